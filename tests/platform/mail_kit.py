"""A real mail server, and what it took."""

import asyncio
import ssl
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


class Inbox:
    """What a mail server took, and what it says to each recipient."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.says: dict[str, str] = {}
        self.says_to_data = "250 2.0.0 queued as 4F1"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's
        self, _server: SMTP, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.says:
            return self.says[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        self.taken.append(envelope)
        return self.says_to_data

    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(each.original_content or b"", policy=default) for each in self.taken]

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages() if message["To"] == address]


class MailServer:
    """aiosmtpd on a port of its own, in a thread of its own."""

    def __init__(self, inbox: Inbox, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        made = self.loop.create_server(
            lambda: SMTP(inbox, loop=self.loop, hostname="mx.test", **options), "127.0.0.1", 0, ssl=implicit_tls
        )
        self.server = self.loop.run_until_complete(made)
        self.port: int = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        async def end() -> None:
            self.server.close()
            others = asyncio.all_tasks(self.loop) - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
