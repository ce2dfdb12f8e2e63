"""Checks of credentials and addresses, by requests that send no message."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from router.config.secret import Secret
from router.core.text.plain import plain
from router.model.notification import Rejected, Result, Retry, Sent
from router.senders.http import MAX_ANSWER, timeouts
from router.senders.outcome import from_error, from_response

MAX_NAME = 80
"""Maximum characters of a name from a service."""


async def fetch(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], seconds: float
) -> tuple[Result, dict[str, Any]]:
    """Fetch the JSON object at `url`. The result is `Sent` if it exists."""
    try:
        async with session.get(
            url, headers=headers, timeout=timeouts(seconds), allow_redirects=False
        ) as response:
            body = await response.content.read(MAX_ANSWER)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return from_error(error, idempotent=True), {}
    result = from_response(response.status, response.headers, b"", idempotent=True, now=0.0)
    if not isinstance(result, Sent):
        return result, {}
    try:
        return result, msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return Retry("the answer is not JSON"), {}


def named(name: object) -> str:
    """A name from a service, safe to print on a terminal."""
    return plain(str(name))[:MAX_NAME]


# --- services


async def verify_github(
    session: aiohttp.ClientSession, repository_url: str, token: Secret, seconds: float
) -> str | Result:
    """Check the repository: https://docs.github.com/rest/repos/repos#get-a-repository."""
    headers = {"Authorization": f"Bearer {token.reveal()}", "User-Agent": "alert-router"}
    result, found = await fetch(session, repository_url, headers, seconds)
    if not isinstance(result, Sent):
        return result
    if not found.get("has_issues"):
        return Rejected(f"issues are switched off in {named(found.get('full_name'))}")
    return f"token accepted for {named(found.get('full_name'))}"


async def verify_statuspage(
    session: aiohttp.ClientSession, page_url: str, key: Secret, seconds: float
) -> str | Result:
    """Check the page: https://developer.statuspage.io/#operation/getPagesPageId."""
    headers = {"Authorization": f"OAuth {key.reveal()}"}
    result, found = await fetch(session, page_url, headers, seconds)
    return f"key accepted for page '{named(found.get('name'))}'" if found else result


async def verify_twilio(  # noqa: PLR0913, PLR0917 - the parts of a request
    session: aiohttp.ClientSession,
    account_url: str,
    credentials: tuple[str, str],
    number: str,
    capability: str,
    seconds: float,
) -> str | Result:
    """Find the number that messages or calls come from, and check its capabilities.

    An API key of the type Standard may read numbers, but not the account itself.
    https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
    """
    headers = {"Authorization": aiohttp.encode_basic_auth(*credentials)}
    query = urlencode({"PhoneNumber": number, "PageSize": "1"} if number else {"PageSize": "1"})
    url = f"{account_url}/IncomingPhoneNumbers.json?{query}"
    result, found = await fetch(session, url, headers, seconds)
    if not isinstance(result, Sent):
        return result
    if not number:
        return "credentials accepted"
    for owned in found.get("incoming_phone_numbers") or []:
        if owned.get("capabilities", {}).get(capability):
            return f"credentials accepted, {number} has the capability {capability}"
        return Rejected(f"{number} lacks the capability {capability}")
    if capability == "voice":
        return await _verify_caller_id(session, account_url, headers, number, seconds)
    return _not_of_the_account(number)


async def _verify_caller_id(
    session: aiohttp.ClientSession,
    account_url: str,
    headers: Mapping[str, str],
    number: str,
    seconds: float,
) -> str | Result:
    """Check a caller id: https://www.twilio.com/docs/voice/api/outgoing-caller-ids."""
    query = urlencode({"PhoneNumber": number, "PageSize": "1"})
    url = f"{account_url}/OutgoingCallerIds.json?{query}"
    result, found = await fetch(session, url, headers, seconds)
    if not isinstance(result, Sent):
        return result
    if found.get("outgoing_caller_ids"):
        return f"credentials accepted, {number} is a verified caller id"
    return _not_of_the_account(number)


def _not_of_the_account(number: str) -> Rejected:
    return Rejected(f"{number} is not a number of the account")
