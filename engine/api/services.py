"""What every route works with: the workspace, the jobs, the records, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request

from engine.api import tables
from engine.api.problems import Refusal, not_found
from engine.api.repeats import Answers
from engine.api.sessions import Sessions
from engine.api.tokens import Token, Tokens
from engine.api.uploads import Upload, Uploads
from engine.data.dataset import Dataset
from engine.database import Database, database_url
from engine.errors import StoreError
from engine.jobs import Job, JobManager
from engine.labels.current import Labels, current_labels
from engine.workspace import Workspace


class Services:
    """One workspace with its job manager, and what the API remembers about it."""

    def __init__(self, space: Workspace, jobs: Callable[[], JobManager]) -> None:
        self.space, self._jobs = space, jobs
        space.root.mkdir(parents=True, exist_ok=True)
        self._database = Database(database_url(space.root, space.database_url), tables.metadata)
        self.tokens, self.uploads = Tokens(self._database), Uploads(self._database)
        self.sessions, self.answers = Sessions(self._database), Answers(self._database)
        self.labels = space.open_labels()

    @property
    def jobs(self) -> JobManager:
        """Started by the first who asks."""
        return self._jobs()

    def brought(self, token: Token, id: str) -> Upload | None:
        """The upload of a data set by the token itself, whether or not its files are there."""
        return self.uploads.find(token.id, id) if id.isascii() and id.isalnum() else None

    def upload(self, token: Token, id: str) -> tuple[Dataset, Upload]:
        """A data set the token may see, with its roles in that token's eyes; else it is not found."""
        found = self.brought(token, id)
        if found is None and not token.sees_all:
            raise not_found("data set", id)
        try:
            dataset = self.space.datasets.get(id)
        except StoreError:
            raise not_found("data set", id) from None
        return dataset, found or Upload(dataset=id, roles=dataset.roles)

    def labels_seen(self, token: Token, dataset: Dataset) -> Labels:
        """The labels that stand; those carried over from another upload only where the token may see that one."""
        found = current_labels(self.labels, dataset)
        if token.sees_all:
            return found
        own = set(self.uploads.of(token.id))
        hidden = {row for row in found.carried if found.events[row].dataset not in own}
        events = {row: event for row, event in found.events.items() if row not in hidden}
        return Labels(events=events, carried=found.carried - hidden, own=found.own)

    def submit(self, kind: str, dataset: Dataset, spec: dict[str, Any], token: Token, title: str) -> Job:
        """Have a job do something with a data set, for a token."""
        places = {"workspace": str(self.space.root), "models": str(self.space.models_root)}
        whole = {**spec, "dataset": dataset.id, **places}
        return self.jobs.submit(kind, whole, owner=token.owner, title=title)

    def in_use(self, dataset: str) -> bool:
        """Whether anybody's job works on a data set, or will."""
        active = self.jobs.jobs(active=True, limit=1_000)
        return any(self.jobs.spec(job.id).get("dataset") == dataset for job in active)

    def close(self) -> None:
        """Close the connections to the records; the job manager is its owner's to close."""
        self.labels.close()
        self._database.close()


def _services(request: Request) -> Services:
    return request.app.state.services  # type: ignore[no-any-return]


def _allowed(scope: str) -> Callable[[Request], Token]:
    def check(request: Request) -> Token:
        token: Token = request.state.token
        if scope not in token.scopes:
            raise Refusal(403, f"this needs a token with the scope '{scope}'")
        return token

    return check


Here = Annotated[Services, Depends(_services)]
Reader = Annotated[Token, Depends(_allowed("read"))]
Uploader = Annotated[Token, Depends(_allowed("upload"))]
Analyst = Annotated[Token, Depends(_allowed("analyze"))]
Labeller = Annotated[Token, Depends(_allowed("label"))]
Trainer = Annotated[Token, Depends(_allowed("train"))]
Deleter = Annotated[Token, Depends(_allowed("delete"))]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A name of your own for this request: sent twice, it is done once.",
    ),
]
