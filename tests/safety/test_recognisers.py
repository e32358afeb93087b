"""What is recognised, what only looks alike, and what pseudonyms keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthog_mcp.safety.keys import Keys
from posthog_mcp.safety.masking import Masking
from posthog_mcp.safety.pseudonyms import PSEUDONYM, Pseudonyms
from posthog_mcp.safety.recognisers import found, iban, luhn

PII = Masking(Keys("pii"), Pseudonyms(b"k" * 32))


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("email", "o'hara+x@sub.example.co.uk"),
        ("email", "jürgen@müller.example"),
        ("email", "jane%40example.com"),
        ("phone", "+49 (30) 901820"),
        ("phone", "+14155550132"),
        ("phone", "0049 30 901820"),
        ("phone", "(415) 555-0132"),
        ("phone", "415-555-0132"),
        ("ip", "203.0.113.9"),
        ("ip", "2001:db8::ff00:42:8329"),
        ("card", "4111 1111 1111 1111"),
        ("card", "378282246310005"),
        ("card", "5555-5555-5555-4444"),
        ("iban", "DE89370400440532013000"),
        ("iban", "FR14 2004 1010 0505 0001 3M02 606"),
        ("token", "ghp_" + "a1B2" * 9),
        ("token", "AKIA" + "ABCD1234" * 2),
        ("token", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeKKF2QT4"),
        ("token", "xoxb-" + "123456789012-" * 2 + "abc"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "see {} now", '"{}"', "<{}>", "{}.", "({})", "x={}"])
def test_personal_data_is_found_inside_text(label: str, value: str, around: str) -> None:
    text = around.format(value)

    assert (label, value) in list(found(text))
    assert value not in PII.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-28T12:30:45.123+00:00",
        "2026-11-28 12:30:45",
        "12:30:45",
        "Mozilla/5.0 (X11) Chrome/131.0.0.0 Safari/537.36",
        "131.0.0.0",
        "http://127.0.0.1:8010/api",
        "018f0000-0000-4000-8000-000000000001",
        "1764332623000",
        "version 1.2.3",
        "std::string a::b",
        "4111 1111 1111 1112",
        "GB82WEST12345698765433",
        "signed_up, page_view: 1,234,567 (12.5 %)",
        "SELECT count() FROM events WHERE timestamp > '2026-01-01'",
        "user@localhost",
        "0.123456789012345",
    ],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert PII.text(text) == text


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("email", "email"), ("userEmail", "email"), ("$initial_email", "email"), ("e-mail", "email"),
        ("phone_number", "phone"), ("$ip", "ip"), ("firstName", "name"), ("last_name", "name"), ("Full Name", "name"),
        ("access_token", "token"), ("PASSWORD", "token"), ("dateOfBirth", "private"),
        ("name", None), ("event", None), ("input_tokens", None), ("email_count", None), ("email_domain", None),
        ("shipping", None), ("membership", None), ("description", None), ("confirm_token", None), ("$ai_tool_name", None),
    ],
)  # fmt: skip
def test_keys_are_read_word_by_word(name: str, label: str | None) -> None:
    assert Keys("pii").label(name) == label


def test_numbers_under_personal_keys_go_and_counts_stay() -> None:
    masked = PII.value(
        {"phone": 4915112345678, "email_count": 3, "email": True, "n": 4111111111111111, "at": 1764332623000}
    )

    assert isinstance(masked, dict)
    assert str(masked["phone"]).startswith("phone_")
    assert str(masked["n"]).startswith("card_")
    assert (masked["email_count"], masked["email"], masked["at"]) == (3, True, 1764332623000)


def test_spellings_of_one_value_have_one_pseudonym_and_keys_differ() -> None:
    other = Masking(Keys("pii"), Pseudonyms(b"o" * 32))

    assert PII.text("Ada@X.example") == PII.text("ada@x.example")
    assert PII.text("+44 20 7946 0958") == PII.text("+442079460958")
    assert PII.text("ada@x.example") != other.text("ada@x.example")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.emails(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["email", "n", "a", "name"]), inner),
    max_leaves=12,
)


@given(JSON)
def test_masking_twice_is_masking_once(value: object) -> None:
    once = PII.value(value)  # pyright: ignore[reportArgumentType]

    assert PII.value(once) == once


@given(st.from_regex(r"[a-z]{3,9}\.[a-z]{3,9}@[a-z]{3,9}\.(com|example)", fullmatch=True), st.text(max_size=20))
def test_no_e_mail_survives_whatever_stands_around_it(email: str, around: str) -> None:
    assert email not in PII.text(f"{around} {email} {around}")


@given(st.from_regex(r"[1-9][0-9]{11,17}", fullmatch=True))
def test_luhn_agrees_with_its_definition(number: str) -> None:
    digits = [int(each) for each in number]
    total = sum(sum(divmod(d * (2 if place % 2 else 1), 10)) for place, d in enumerate(reversed(digits)))

    assert luhn(number) == (total % 10 == 0 and number[0] in "23456" and len(number) >= 13)


def test_iban_takes_the_registry_examples() -> None:
    assert all(map(iban, ["GB29NWBK60161331926819", "NL91ABNA0417164300", "MT84MALT011000012345MTLCAST001S"]))


def test_a_pseudonym_is_short_and_is_one() -> None:
    made = PII.text("ada@x.example")

    assert PSEUDONYM.fullmatch(made)
    assert len(made) < 25


HARD = {
    "dashes": "x@" + "a-" * 20_000,
    "dots": "a." * 20_000 + "@",
    "digits": "1" * 40_000,
    "digits and blanks": "1 " * 20_000,
    "colons": "a:" * 20_000,
    "brackets": "+1((" * 10_000,
    "a token without an end": "eyJ" + "a" * 40_000,
    "quotes": '"a":"' * 10_000,
    "blocks": "GB82 " + "AAAA " * 10_000,
    "backslashes": "\\" * 40_000 + '"',
}


@pytest.mark.parametrize("what", HARD)
def test_no_text_takes_long(what: str) -> None:
    """Forty kilobytes that once took minutes; a linear pattern takes some milliseconds."""
    import time

    begun = time.process_time()
    PII.text(HARD[what])

    assert time.process_time() - begun < 3
