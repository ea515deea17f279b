"""What of a checkpoint may be used, and why the rest may not. Editing one makes components run again at worst."""
