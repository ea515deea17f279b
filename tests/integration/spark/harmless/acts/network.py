"""Components that talk to a service."""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import smtplib
import socket
import threading
import urllib.request
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import httpx
import requests

ORDER = b"order 1"


def post_with_requests(spark: Any, *, url: str) -> None:
    requests.post(url, data=ORDER, timeout=10).raise_for_status()
    spark.range(5).createOrReplaceTempView("v")


def post_with_urllib(spark: Any, *, url: str) -> None:
    with urllib.request.urlopen(url, data=ORDER, timeout=10) as answer:
        answer.read()
    spark.range(5).createOrReplaceTempView("v")


def post_with_httpx(spark: Any, *, url: str) -> None:
    httpx.post(url, content=ORDER, timeout=10).raise_for_status()
    spark.range(5).createOrReplaceTempView("v")


def post_with_http_client(spark: Any, *, url: str) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("POST", parts.path, ORDER)
    connection.getresponse().read()
    connection.close()
    spark.range(5).createOrReplaceTempView("v")


def post_with_a_socket(spark: Any, *, url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(_request(parts.path))
        connection.recv(100)
    spark.range(5).createOrReplaceTempView("v")


def send_a_datagram(spark: Any, *, host: str, port: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"count:1|c", (host, int(port)))
    spark.range(5).createOrReplaceTempView("v")


def send_a_mail(spark: Any, *, host: str, port: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "etl@shop.example", "boss@shop.example", "done"
    message.set_content("5 rows")
    with smtplib.SMTP(host, int(port), timeout=10) as server:
        server.send_message(message)
    spark.range(5).createOrReplaceTempView("v")


def post_in_a_thread(spark: Any, *, url: str) -> None:
    thread = threading.Thread(target=requests.post, args=(url,), kwargs={"data": ORDER, "timeout": 10})
    thread.start()
    thread.join()
    spark.range(5).createOrReplaceTempView("v")


def post_in_a_thread_pool(spark: Any, *, url: str) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda body: requests.post(url, data=body, timeout=10), [b"1", b"2", b"3"]))
    spark.range(5).createOrReplaceTempView("v")


def post_with_asyncio(spark: Any, *, url: str) -> None:
    asyncio.run(_post(url))
    spark.range(5).createOrReplaceTempView("v")


async def _post(url: str) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(_request(parts.path))
    await reader.readline()
    writer.close()
    await writer.wait_closed()


def _request(path: str) -> bytes:
    head = f"POST {path} HTTP/1.0\r\nContent-Length: {len(ORDER)}\r\n\r\n"
    return head.encode() + ORDER
