"""The chosen project's part of the API: which project, and under which prefix an old host has it.

Paths are under `/api/projects/{id}/`; what is not found there is looked for once under `/api/environments/{id}/`, and
the prefix that answered is remembered for each family (the path's first part), since hosts of 2024 and 2025 have some
families under one and some under both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, Unpack, cast

from posthog_mcp.backends.posthog.client import Body, Client
from posthog_mcp.backends.posthog.retrying import Repeat
from posthog_mcp.endpoints.matching import ORGANIZATION, filled
from posthog_mcp.endpoints.table import Endpoint
from posthog_mcp.errors import Forbidden, InvalidInput, NotFound, Unavailable
from posthog_mcp.results import Json, ProjectInfo

PREFIXES = ("projects", "environments")


class RequestOptions(TypedDict, total=False):
    """What `Client.request` takes besides method and path."""

    body: Mapping[str, Json] | None
    params: Mapping[str, str | int] | None
    wait_seconds: float | None
    repeat: Repeat | None
    queued: bool
    follow: bool


class ProjectApi:
    """Requests below one project. Without an id: the only project that the key sees."""

    def __init__(self, client: Client, project_id: int | None) -> None:
        self.client = client
        self._project_id = project_id
        self._info: ProjectInfo | None = None
        self._organization = "@current"
        self._prefixes: dict[str, str] = {}

    async def info(self) -> ProjectInfo:
        """The chosen project, asked for once.

        Raises:
            InvalidInput: the key sees several projects and none was chosen.
            NotFound: it sees no such project.
        """
        if self._info is None:
            found = await self._find()
            zone, first_day = str(found.get("timezone") or "UTC"), 1 if found.get("week_start_day") == 1 else 0
            name = str(found.get("name") or "")
            self._organization = str(found.get("organization") or self._organization)
            self._info = ProjectInfo(int(str(found["id"])), name, zone, "posthog", self.client.host, first_day)
        return self._info

    async def _find(self) -> Body:
        if self._project_id is not None:
            try:
                return (await self.client.request("GET", f"/api/projects/{self._project_id}/"))[1]
            except NotFound as error:
                if error.context.get("reason") == "not_posthog":
                    raise
                message = f"{self.client.host} has no project {self._project_id} that this key can see."
                fix = f"Set POSTHOG_PROJECT_ID to one of: {await self._names()}."
                raise NotFound(message, fix=fix, context={"reason": "wrong_project"}) from None
        seen = await self.visible()
        if len(seen) != 1:
            fix = f"Set POSTHOG_PROJECT_ID to one of: {named(seen)}."
            raise InvalidInput(f"The key sees {len(seen)} projects.", fix=fix, context={"reason": "wrong_project"})
        return seen[0]

    async def _names(self) -> str:
        """The projects to choose from; a key that is limited to some may not list them."""
        try:
            return named(await self.visible())
        except Forbidden:
            return "those that the key is limited to (PostHog's page of the key names them)"

    async def visible(self) -> list[Body]:
        """The projects that the key sees."""
        _, body = await self.client.request("GET", "/api/projects/")
        return cast("list[Body]", body.get("results") or [])

    async def call(
        self,
        endpoint: Endpoint,
        values: Mapping[str, str],
        organization: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> tuple[int, Body]:
        """A request to an endpoint of the table; its project is the chosen one, its organization the project's.

        Raises:
            PostHogMcpError: a placeholder has no value, or what PostHog said.
        """
        project, above = "", ""
        if "{project_id}" in endpoint.path or (ORGANIZATION in endpoint.path and organization is None):
            project = str((await self.info()).id)
            above = f"/api/projects/{project}/"
        path = filled(endpoint, values, project, organization or self._organization)
        if above and path.startswith(above) and path != above:
            return await self.request(endpoint.method, path.removeprefix(above), **options)
        return await self.client.request(endpoint.method, path, **options)

    async def location(self, rest: str) -> str:
        """The address that a GET below the project redirects to; nothing is sent there.

        Raises:
            Unavailable: it does not redirect.
        """
        _, found = await self.request("GET", rest, follow=False)
        address = found.get("location")
        if not isinstance(address, str):
            raise Unavailable(f"{self.client.host} gives no address for {rest}.", fix="Try again.")
        return address

    async def request(self, method: str, rest: str, **options: Unpack[RequestOptions]) -> tuple[int, Body]:
        """A request below the project; `rest` is the path after its id.

        Raises:
            NotFound: neither prefix has it.
        """
        family = rest.partition("/")[0]
        known = self._prefixes.get(family)
        project_id = (await self.info()).id
        missing: NotFound | None = None
        for prefix in (known,) if known else PREFIXES:
            try:
                answer = await self.client.request(method, f"/api/{prefix}/{project_id}/{rest}", **options)
            except NotFound as error:
                missing = missing or error
            else:
                self._prefixes[family] = prefix
                return answer
        assert missing is not None
        raise missing


def named(projects: list[Body]) -> str:
    return ", ".join(f"{each.get('id')} {each.get('name')}" for each in projects[:20]) or "none"
