"""The verbs that tell everything about a run: as SDK v1's dict, as text, as a table with its links."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from .. import errors
from ..records import RunRecord
from ..store import files
from . import used
from .artifact_verbs import ArtifactVerbs
from .pages import DOCS, address, escape, link_html, served, table_html

DEFINITION = "about/definition.json"
"""Where a submitted run keeps its run configuration, in its folder."""


class DetailVerbs(ArtifactVerbs):
    """A run told as a whole."""

    def get_details(self) -> dict[str, Any]:
        """Return what is known about the run, in SDK v1's words: runId, target, status, startTimeUtc ..."""
        return self._details({record.name: self._file_url(record.path) for record in self._logs()})

    def get_details_with_logs(self) -> dict[str, Any]:
        """Return the same as `get_details`, with the contents of the log files."""
        return self._details(
            {record.name: self._read(record.name).decode("utf-8", "replace") for record in self._logs()}
        )

    def get_detailed_status(self) -> dict[str, Any]:
        """Return the status and what is known beside it."""
        record = self._record()
        return {"status": str(record.status), "details": record.verdict}

    def _details(self, logs: dict[str, str]) -> dict[str, Any]:
        record = self._record()
        details = {
            "runId": record.run_id,
            "target": record.target,
            "status": str(record.status),
            "startTimeUtc": _utc(record.started_at or record.created_at),
            "endTimeUtc": _utc(record.ended_at) if record.ended_at else None,
            "services": {},
            "error": _error_document(record) if record.error else None,
            "warnings": [{"source": note.source, "message": note.message} for note in record.notes] or None,
            "properties": record.properties,
            "runDefinition": self._definition(),
            "inputDatasets": [_input_document(one) for one in used.inputs(record.properties)],
            "outputDatasets": [_output_document(one) for one in used.outputs(record.properties)],
            "logFiles": logs,
            "submittedBy": record.user,
        }
        return {key: value for key, value in details.items() if value is not None}

    def _definition(self) -> dict[str, Any] | None:
        """Return the run configuration that a submitted run was given, or None of another."""
        try:
            found: dict[str, Any] = msgspec.json.decode((self._folder / DEFINITION).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None
        return found

    @property
    def input_datasets(self) -> dict[str, Any]:
        """Return the datasets that the run was given, by the names of its inputs.

        In the script of the run itself those that were mounted or downloaded are paths, as in SDK v1.

        Raises
        ------
        DatasetNotFoundError
            If the definition of one is not in this workspace.
        """
        return self._datasets(used.inputs(self._record().properties))

    @property
    def output_datasets(self) -> dict[str, Any]:
        """Return what the run wrote as datasets, by the names of its outputs; in its own script they are paths.

        Raises
        ------
        DatasetNotFoundError
            If the definition of one is not in this workspace.
        """
        return self._datasets(used.outputs(self._record().properties))

    def _datasets(self, told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        from .dataset import Dataset

        return {str(one.get("name")): Dataset.get_by_id(self._workspace, str(one.get("id"))) for one in told}

    def _file_url(self, path: str) -> str:
        return (self._folder / path).resolve().as_uri()

    def get_environment(self) -> object:
        """Refuse: only a submitted run has a definition with an environment.

        Raises
        ------
        UserErrorException
            Always.
        """
        raise errors.UserErrorException(
            f"run {self.id} was not submitted, so it has no environment definition; the packages that were installed "
            f"when it began stand in {self._folder / 'about' / 'packages.txt'}"
        )

    def get_portal_url(self) -> str:
        """Return the address of the run's page.

        Warns
        -----
        AzmlWarning
            Once, when no studio serves it.
        """
        found = served(f"runs/{self.id}", self._workspace, start=True)
        if found is None:
            self._warn_once(
                "",
                f"no studio serves this page here; `azml studio` does, and `azml run show {self.id}` prints the run",
                errors.AzmlWarning,
            )
        return found or self._portal_address()

    def _portal_address(self) -> str:
        return address(f"runs/{self.id}", self._workspace)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Write the run as one HTML file that shows it with no server, no network and no script.

        It holds status, parameters, metrics with their charts, tables, pictures, children with their scores, the end
        of the log and the error; what it leaves out, because there is too much of it, it counts.

        Parameters
        ----------
        path : str or path-like, default=None
            Where to; a file that is there is replaced. None returns the document instead.

        Returns
        -------
        document : str or None
            Only without a `path`.

        Raises
        ------
        UserErrorException
            If no plugin could draw the run; a `PluginWarning` has said why.
        StoreError
            If the disk refuses; what lay there before is untouched.

        See Also
        --------
        azml_integrations.hookspecs.azml_run_document : Draws it.
        """
        from .. import plugins

        document = plugins.plugins().call("azml_run_document", run=self)
        if not isinstance(document, str):
            raise errors.UserErrorException(
                f"nobody could draw run {self.id} as HTML; `azml doctor` lists the plugins and what they stumbled over"
            )
        if path is None:
            return document
        files.replace(Path(path), document.encode("utf-8", "backslashreplace"))
        return None

    @classmethod
    def get_docs_url(cls) -> str:
        """Return the address of the documentation of this class's verbs."""
        return DOCS

    def __str__(self) -> str:
        """Return the four lines that SDK v1 prints."""
        record = self._record()
        facts = f"Experiment: {record.experiment},\nId: {record.run_id},\nType: {record.type},\nStatus: {record.status}"
        return f"Run({facts})"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        record = self._record()
        return table_html(
            {
                "Experiment": escape(record.experiment),
                "Id": escape(record.run_id),
                "Type": escape(record.type or ""),
                "Status": escape(str(record.status)),
                "Details Page": link_html(self._portal_address(), "Link to the run's page"),
                "Docs Page": link_html(DOCS, "Link to Documentation"),
            }
        )


def _error_document(record: RunRecord) -> dict[str, Any]:
    error = record.error
    if error is None:
        return {}
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "messageParameters": {},
            "details": [],
            "debugInfo": {"type": error.type, "message": error.message, "stackTrace": error.trace},
        },
        "correlation": {},
        "environment": record.target,
        "location": record.host,
        "time": _utc(record.ended_at or record.created_at),
        "componentName": "azml_integrations",
    }


def _input_document(used: Mapping[str, Any]) -> dict[str, Any]:
    details = {"type": "RunInput", "inputName": used.get("name"), "mechanism": str(used.get("mode")).capitalize()}
    return {"dataset": _dataset_document(used), "consumptionDetails": details}


def _output_document(made: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "identifier": {"savedId": made.get("id"), "registeredName": made.get("dataset")},
        "outputType": "RunOutput",
        "outputDetails": {"outputName": made.get("name"), "path": made.get("path")},
        "dataset": _dataset_document(made),
    }


def _dataset_document(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": one.get("id"), "name": one.get("dataset"), "version": one.get("version")}


def _utc(moment: float) -> str:
    """Return a moment as SDK v1 spells it; one that a damaged file made up, as the number that stands there."""
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (OverflowError, OSError, ValueError):
        return repr(moment)
