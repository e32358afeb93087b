"""E-mail by SMTP: text and HTML, pictures inline.

`SMTP_URL` is smtp://USER:PASSWORD@HOST:587?from=A&to=B,C (STARTTLS where the server has it; `starttls=required` or
`off`) or smtps://… for TLS from the start. The Message-ID is made from the key, so that the same delivery is the same
message.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

import anyio

from posthog_mcp.delivery.channel import NotDelivered, Parcel, attached, picture_name
from posthog_mcp.delivery.message import Message, as_html, plain
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings

SECONDS = 20.0
FIX = "Set SMTP_URL to smtp://USER:PASSWORD@HOST:587?from=reports@example.com&to=team@example.com"


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over."""

    host: str
    port: int
    user: str
    password: str
    tls: bool
    starttls: str
    sender: str
    to: tuple[str, ...]


class Mail:
    """Mails the target's addresses."""

    dedupes = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def preview(self, parcel: Parcel) -> dict[str, Json]:
        mail = mail_of(parcel, self._server())
        return {
            "method": "SMTP",
            "from": str(mail["From"]),
            "to": str(mail["To"]),
            "subject": str(mail["Subject"]),
            "message_id": str(mail["Message-ID"]),
            "text": plain(parcel.message),
            "html": page_of(parcel.message, digest_of(mail)),
            "pictures": [*attached(parcel.message)],
        }

    async def hand_over(self, parcel: Parcel) -> str:
        """Hand the mail to the server.

        Raises:
            NotDelivered: the server refused it, or the connection broke.
            InvalidInput: SMTP_URL or the addresses are wrong.
        """
        server = self._server()
        mail = mail_of(parcel, server)
        return await anyio.to_thread.run_sync(handed, server, mail, abandon_on_cancel=False)

    async def arrived(self, parcel: Parcel) -> bool | None:
        """A mail server cannot be asked."""
        return None

    def _server(self) -> Server:
        if self._settings.smtp_url is None:
            raise InvalidInput("E-mail needs SMTP_URL.", fix=FIX)
        return server_of(self._settings.smtp_url.get_secret_value())


def server_of(url: str) -> Server:
    """SMTP_URL read.

    Raises:
        InvalidInput: it is none.
    """
    try:
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        port = parts.port or (465 if tls else 587)
    except ValueError:
        raise InvalidInput("SMTP_URL cannot be read.", fix=FIX) from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise InvalidInput("SMTP_URL cannot be read.", fix=FIX)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    to = tuple(each.strip() for each in query.get("to", "").split(",") if each.strip())
    starttls = query.get("starttls", "auto")
    return Server(parts.hostname, port, user, password, tls, starttls, query.get("from", user), to)


def mail_of(parcel: Parcel, server: Server) -> EmailMessage:
    """The mail.

    Raises:
        InvalidInput: there is no sender or addressee, or one is no address.
    """
    sender, to = parcel.target.sender or server.sender, parcel.to or parcel.target.to or server.to
    if not to or not sender:
        raise InvalidInput(f"The target {parcel.target.name!r} lacks a sender or an addressee.", fix=FIX)
    mail = EmailMessage()
    mail["From"], mail["To"] = address(sender), ", ".join(address(each) for each in to)
    mail["Subject"] = " ".join(parcel.message.title.split())[:200]
    mail["Date"] = formatdate(usegmt=True)
    digest = hashlib.sha256(f"{parcel.key} {mail['To']}".encode()).hexdigest()[:40]
    mail["Message-ID"] = f"<{digest}@{parseaddr(sender)[1].rpartition('@')[2] or 'posthog-mcp'}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(parcel.message))
    mail.add_alternative(page_of(parcel.message, digest), subtype="html")
    page = mail.get_payload()[1]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType, reportArgumentType]
    assert isinstance(page, EmailMessage)
    for number, each in enumerate(parcel.message.pictures, 1):
        name, cid = picture_name(number), f"<{picture_id(digest, number)}>"
        page.add_related(each.png, "image", "png", cid=cid, disposition="inline", filename=name)
    return mail


def digest_of(mail: EmailMessage) -> str:
    """What the Message-ID is made from: the key and the addressees."""
    return str(mail["Message-ID"]).strip("<>").partition("@")[0]


def page_of(message: Message, digest: str) -> str:
    """The HTML part; it shows the pictures that the mail carries."""
    return as_html(message, [f"cid:{picture_id(digest, number + 1)}" for number in range(len(message.pictures))])


def picture_id(digest: str, number: int) -> str:
    return f"{digest}.{number}@posthog-mcp"


def address(text: str) -> str:
    """An address that cannot add a header or a second addressee.

    Raises:
        InvalidInput: it is none.
    """
    several = getaddresses([text])
    name, found = several[0] if len(several) == 1 else ("", "")
    if "\n" in text or "\r" in text or found.count("@") != 1 or "," in found or not found.isprintable() or " " in found:
        raise InvalidInput(f"{text[:60]!r} is no e-mail address.", fix="Write name@example.com.")
    return f"{name} <{found}>" if name else found


def handed(server: Server, mail: EmailMessage) -> str:
    """One attempt. Blocks.

    Raises:
        NotDelivered: a step failed; `arrived` where it broke after the whole mail was given.
    """
    given = False
    try:
        with connected(server) as smtp:
            given = True
            refused = smtp.send_message(mail)
    except smtplib.SMTPResponseException as error:
        told = str(error.smtp_error)[:200]
        raise NotDelivered(
            f"{server.host} answered {error.smtp_code} {told}.", again=400 <= error.smtp_code < 500
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        again = all(400 <= code < 500 for code in codes)
        raise NotDelivered(f"{server.host} takes none of the addresses ({codes}).", again=again) from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotDelivered(f"{server.host}: {type(error).__name__}.", again=True, arrived=given) from None
    left = f"; refused: {', '.join(refused)}" if refused else ""
    return f"taken by {server.host}{left}"


@contextmanager
def connected(server: Server) -> Generator[smtplib.SMTP]:
    """A session, encrypted as far as the server can, logged in where there is a user.

    Raises:
        NotDelivered: the server has no STARTTLS and it is required, or a password would go in the clear.
    """
    context = ssl.create_default_context()
    if server.tls:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        smtp.ehlo()
        encrypted = server.tls
        if not server.tls and server.starttls != "off" and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
            encrypted = True
        local = server.host in ("localhost", "127.0.0.1", "::1")
        if not encrypted and (server.starttls == "required" or (server.user and not local)):
            raise NotDelivered(f"{server.host} offers no encryption; the password is not sent.", again=False)
        if server.user:
            smtp.login(server.user, server.password)
        yield smtp
    finally:
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()
