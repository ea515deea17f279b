"""Small components, as an author would write them in plain modules: each does one thing and leaves the view ``v``.

What each of them is expected to be known for stands in the tables of the tests beside this package.
"""
