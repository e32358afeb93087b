"""Personal data by its shape: e-mail, phone, IP, card, IBAN, keys and tokens, anywhere in a text.

Each recogniser is a pattern and, where the shape alone says too little, a proof: Luhn's sum for cards (ISO/IEC 7812),
the remainder for IBANs (ISO 13616), a parse for addresses. What only looks alike (times, versions, UUIDs, loopback
addresses) stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class Recogniser:
    """`label` names the kind in the pseudonym; `proof` decides on a match; a text without any of `needs` has none.

    Repetitions are bounded, so that no text takes longer than its length.
    """

    label: str
    pattern: re.Pattern[str]
    proof: Callable[[str], bool] = lambda text: True
    needs: tuple[str, ...] = ("",)

    def may_be_in(self, text: str) -> bool:
        return any(need in text for need in self.needs)


def luhn(text: str) -> bool:
    """A card's number: 13 to 19 digits of an issuer, with Luhn's check digit."""
    digits = [int(each) for each in text if each.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Remainder 1 of 97, letters read as 10 to 35."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def public_address(text: str) -> bool:
    """An IP address that could be somebody's: no loopback, no wildcard, no version number such as 131.0.0.0."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    shaped = len(text) >= 7 if address.version == 6 else not text.endswith(".0.0")
    return shaped and not address.is_loopback and not address.is_unspecified


def dialable(text: str) -> bool:
    """Seven to fifteen digits (ITU-T E.164)."""
    return 7 <= sum(each.isdigit() for each in text) <= 15


OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
KEYS = (
    r"(?:ph[xcsr]_|e2b_|sk-ant-|sk-|[spr]k_(?:live|test)_|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|npm_|hf_)"
    r"[A-Za-z0-9_-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}"
    r"|https://hooks\.slack\.com/services/[\w/]+|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*KEY-----)?"
)
KEY_MARKS = ("_", "sk-", "xox", "AKIA", "AIza", "eyJ", "glpat-", "hooks.slack", "PRIVATE KEY")
RECOGNISERS: tuple[Recogniser, ...] = (
    Recogniser("token", re.compile(rf"(?<![\w-])(?:{KEYS})"), needs=KEY_MARKS),
    Recogniser("token", re.compile(r"(?<=\b[Bb]earer )[A-Za-z0-9._~+/-]{12,}=*"), needs=("earer ",)),
    Recogniser(
        "email",
        re.compile(r"[\w.+-][\w.+'-]{0,63}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
        needs=("@", "%40"),
    ),
    Recogniser("iban", re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"), iban),
    Recogniser("card", re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])"), luhn),
    Recogniser(
        "ip", re.compile(rf"(?<![\w.-])(?<![A-Za-z]/)(?:{OCTET}\.){{3}}{OCTET}(?!\.?[\w-])"), public_address, (".",)
    ),
    Recogniser(
        "ip",
        re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{7,39}(?![\w:])"),
        public_address,
        (":",),
    ),
    Recogniser(
        "phone",
        re.compile(r"(?<![\w.+-])(?:\+|00)[1-9]\d{0,2}(?:[ ().-]{0,2}\d){6,13}(?![\w-])"),
        dialable,
        ("+", "00"),
    ),
    Recogniser(
        "phone",
        re.compile(r"(?<![\w.+-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"),
        needs=(" ", ".", "-"),
    ),
)
HINT = re.compile(r"[@%]|\d{3}|\d\.\d|:[0-9A-Fa-f]*:|_|sk-|xox|AKIA|AIza|eyJ|glpat|[Bb]earer|hooks\.slack|PRIVATE KEY")
"""Without any of these no recogniser can match; most texts end here."""


def found(text: str) -> Iterator[tuple[str, str]]:
    """(label, value) of all personal data in a text, in the order of the recognisers."""
    if HINT.search(text):
        for each in RECOGNISERS:
            if each.may_be_in(text):
                yield from ((each.label, match[0]) for match in each.pattern.finditer(text) if each.proof(match[0]))


def replaced(text: str, replacement: Callable[[str, str], str]) -> str:
    """The text with all personal data replaced by what `replacement` gives for (label, value)."""
    if not HINT.search(text):
        return text
    for each in RECOGNISERS:
        if not each.may_be_in(text):
            continue
        text = each.pattern.sub(
            lambda match, each=each: replacement(each.label, match[0]) if each.proof(match[0]) else match[0], text
        )
    return text


def whole(text: str) -> str | None:
    """The label of a text that is personal data from end to end."""
    return next((each.label for each in RECOGNISERS if each.pattern.fullmatch(text) and each.proof(text)), None)
