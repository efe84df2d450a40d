"""The command `datasets` and its own commands: they show, rename, exclude and remove datasets."""

from __future__ import annotations

import dataclasses
import re
from typing import Annotated, Any, Final

import typer

from contract import printing
from contract.dataset import dataset_files, dataset_labels, exclusions, overviews, store_catalog
from contract.dataset.exclusions import Exclusions
from contract.dataset.overviews import DatasetOverview
from contract.errors import SettingError, StoreError
from contract.jobs import queue
from lapwing.datasets import catalog
from lapwing.jobs.follow import run_job
from lapwing.options import AsJson, Wait
from lapwing.output import datasets as dataset_tables
from lapwing.settings import Settings, read_home

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of the dataset or of its recording. `lapwing datasets` has both."
    ),
]
WAYS_TO_WRITE: Final = (
    "120 is a line of driving_log.csv, 120-180 are 61 lines, 120- are all from 120 on"
)


def list_datasets(context: typer.Context, wait: Wait = None, as_json: AsJson = False) -> None:
    """List the datasets, or show, clean or remove one.

    The list shows what each dataset holds, what the doctor finds in it, and which versions were
    trained on it. A dataset that is seen for the first time is examined first.
    """
    if context.invoked_subcommand is not None:
        return
    settings = read_home()
    readable = [m.dataset for m in store_catalog.read_stores(settings.data).manifests]
    missing = catalog.describe_missing(settings, readable, wait, as_json)
    entries = catalog.read_entries(settings)
    if as_json:
        printing.print_json(
            {
                "datasets": [dataclasses.asdict(entry) for entry in entries],
                "not_examined": missing,
            }
        )
    else:
        dataset_tables.print_datasets(printing.message_console(), entries, missing)


def show(name: Name, wait: Wait = None, as_json: AsJson = False) -> None:
    """Show the figures and the pictures of a dataset.

    The contact sheet and the steering over time are PNG files, whose paths are printed. What the
    doctor finds and what is excluded is marked in both.
    """
    settings = read_home()
    dataset = catalog.find(settings.data, name)
    manifest = store_catalog.read_manifest(store_catalog.paths(settings.data, dataset)[1])
    arguments = {"datasets": [dataset], "pictures": True}
    result = run_job(queue.OVERVIEW, dataset, arguments, wait, as_json)
    if result is None:
        return
    if dataset in result["described"]["unreadable"]:
        raise StoreError(
            f"the dataset {dataset} cannot be shown",
            got=result["described"]["unreadable"][dataset].rstrip("."),
            remedy="`lapwing doctor` examines all datasets",
        )
    [entry] = [one for one in catalog.read_entries(settings) if one.dataset == dataset]
    pictures = result["described"]["pictures"][dataset]
    state = exclusions.read(settings.data, dataset)
    if as_json:
        printing.print_json(
            {
                **dataclasses.asdict(entry),
                "source": manifest.source,
                "report": manifest.report,
                "exclusions": _document(state, entry.overview),
                "pictures": pictures,
            }
        )
    else:
        dataset_tables.print_dataset(
            printing.message_console(), entry, manifest, state, pictures, bool(settings.inbox_dir)
        )


def exclude(
    name: Name,
    ranges: Annotated[
        list[str], typer.Argument(metavar="RANGE...", help=f"Rows to exclude: {WAYS_TO_WRITE}.")
    ],
    why: Annotated[
        str, typer.Option(metavar="TEXT", help="Reason, which is kept with the exclusion.")
    ],
    as_json: AsJson = False,
) -> None:
    """Take rows of a dataset out of use.

    The rows stay in the store, and `lapwing datasets restore` brings them back. Models that are
    trained from now on do without them. Rows are named by their lines of driving_log.csv, which
    `lapwing datasets show` and `lapwing doctor` print.
    """
    settings = read_home()
    dataset = catalog.find(settings.data, name)
    overview = _overview(settings, dataset, as_json)
    lines = parse_ranges(ranges, overview)
    before = exclusions.read(settings.data, dataset)
    after = exclusions.exclude(settings.data, dataset, lines, why)
    _print_change(dataset, before, after, overview, as_json)


def restore(
    name: Name,
    ranges: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RANGE]...", help=f"Rows to bring back; by default, all. {WAYS_TO_WRITE}."
        ),
    ] = None,
    why: Annotated[
        str, typer.Option(metavar="TEXT", help="Reason, which is kept in the history.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Bring rows back that were excluded."""
    settings = read_home()
    dataset = catalog.find(settings.data, name)
    overview = _overview(settings, dataset, as_json)
    lines = parse_ranges(ranges or [], overview)
    before = exclusions.read(settings.data, dataset)
    after = exclusions.restore(settings.data, dataset, lines, why)
    _print_change(dataset, before, after, overview, as_json)


def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="New name.")],
    as_json: AsJson = False,
) -> None:
    """Give a dataset another name.

    The store keeps its own name, which the versions that were trained on it know. The new name
    takes the place of the recording's name in every command.
    """
    settings = read_home()
    dataset = catalog.find(settings.data, name)
    taken = catalog.selecting_names(settings.data, dataset)
    dataset_labels.write(settings.data, dataset, new, taken)
    if as_json:
        printing.print_json({"dataset": dataset, "name": new})
    else:
        printing.message_console().print(f"{dataset} is now called {new}")


def remove(
    name: Name,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Remove the dataset although a version was trained on it or a job may need it.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a dataset for good.

    Its exclusions and pictures go with it. This is refused while a version that is kept was trained
    on it: its training could not be repeated or explained any more. The recording itself is not
    touched.
    """
    settings = read_home()
    dataset = catalog.find(settings.data, name)
    if not force:
        _refuse_if_used(settings, dataset)
    freed = dataset_files.remove(settings.data, dataset)
    if as_json:
        printing.print_json({"removed": dataset, "freed_bytes": freed})
    else:
        printing.message_console().print(
            f"{dataset} is removed, which frees {freed / 1e6:.1f} MB", highlight=False
        )


def parse_ranges(texts: list[str], overview: DatasetOverview) -> list[tuple[int, int]]:
    """Return the runs of lines in texts such as "120-180", each the first line and the last.

    Raises:
        SettingError: a text has another form, or names no row of the dataset.
    """
    runs = []
    for text in (part for words in texts for part in words.split(",") if part.strip()):
        match = re.fullmatch(r"\s*(\d{1,9})(\s*-\s*(\d{1,9})?)?\s*", text, re.ASCII)
        first = int(match[1]) if match else 0
        last = first
        if match and match[2]:
            last = int(match[3]) if match[3] else overview.lines[-1][1]
        if not 1 <= first <= last:
            raise SettingError(
                "a range of rows has a value it cannot take",
                got=repr(text),
                remedy=f"Write lines of the log: {WAYS_TO_WRITE}",
            )
        if not exclusions.count_lines([(first, last)], overview.lines):
            raise SettingError(
                f"the dataset {overview.dataset} has none of these rows",
                got=text.strip(),
                remedy=f"Its rows are {dataset_tables.format_runs(overview.lines)}",
            )
        runs.append((first, last))
    return runs


def _overview(settings: Settings, dataset: str, as_json: bool) -> DatasetOverview:
    """Return the overview of a dataset, which says which lines are its rows.

    Raises:
        StoreError: there is none yet, and ingest cannot make it now.
    """
    missing = catalog.describe_missing(settings, [dataset], True, as_json)
    overview = overviews.read(settings.data, dataset)
    if overview is None:
        raise StoreError(f"it is not known which rows {dataset} has", got=missing.rstrip("."))
    return overview


def _refuse_if_used(settings: Settings, dataset: str) -> None:
    """Raise StoreError if a version was trained on the dataset, or a job may need it."""
    users, silent = catalog.read_users(settings)
    if dataset in users:
        raise StoreError(
            f"the dataset {dataset} is in use",
            got=f"trained on by {_format_versions(users[dataset])}",
            remedy="Remove these versions first, with lapwing prune, or add --force",
        )
    if silent:
        raise StoreError(
            f"the dataset {dataset} may be in use",
            got=f"{_format_versions([*silent])}, which cannot say: {next(iter(silent.values()))}",
            remedy="Add --force if no version that you need was trained on it",
        )
    jobs = catalog.running_jobs(settings, (queue.INGEST, queue.TRAIN, queue.EVALUATION))
    if jobs:
        raise StoreError(
            f"the dataset {dataset} may be in use",
            got=", ".join(f"{job.id} {job.status}" for job in jobs),
            remedy="Wait until these jobs have ended, or add --force",
        )


def _format_versions(versions: list[int]) -> str:
    noun = "version" if len(versions) == 1 else "versions"
    return f"{noun} {', '.join(map(str, versions))}"


def _document(state: Exclusions, overview: DatasetOverview | None) -> dict[str, Any]:
    rows = None if overview is None else exclusions.count_lines(state.lines, overview.lines)
    return {
        "version": state.version,
        "digest": state.digest,
        "rows": rows,
        "lines": state.lines,
        "reasons": [{"lines": lines, "why": why} for lines, why in state.reasons],
        "changes": [dataclasses.asdict(change) for change in state.changes],
    }


def _print_change(
    dataset: str, before: Exclusions, after: Exclusions, overview: DatasetOverview, as_json: bool
) -> None:
    """Print how many rows a change excluded or brought back."""
    old, new = (exclusions.count_lines(state.lines, overview.lines) for state in (before, after))
    if as_json:
        printing.print_json(
            {"dataset": dataset, "rows": overview.rows, "exclusions": _document(after, overview)}
        )
        return
    if after.version == before.version:
        text = "nothing changes"
    elif new > old:
        text = f"{new - old:,} rows more are excluded"
    elif new < old:
        text = f"{old - new:,} rows are back in use"
    else:
        text = "another reason is kept"
    printing.message_console().print(
        f"{dataset}: {text}; {new:,} of {overview.rows:,} rows are excluded now "
        f"(version {after.version} of its exclusions)",
        soft_wrap=True,
    )
