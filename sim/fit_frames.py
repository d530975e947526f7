"""The results of `sim.fit`: data frames, the parameters of a scenario, and the page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.files import write_whole
from sim.frames import PathLike, as_text

if TYPE_CHECKING:
    import pandas as pd

    from sim.calibration.fit_results import FitResults


@dataclass(frozen=True, eq=False)
class FitFrames:
    """Distributions fitted to survival data. results: typed."""

    results: FitResults

    @cached_property
    def fits(self) -> pd.DataFrame:
        """A row for each family, event and group: `aic`, `bic`, `median`, ..., or why it `failed`."""
        import pandas as pd

        nested = ("parameters", "covariance", "covariance_scales", "fixed")
        rows = self.results.as_json()["fits"]
        return pd.DataFrame([{key: row[key] for key in row if key not in nested} for row in rows])

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """A row for each parameter of each family: `value`, `standard_error`, `low`, `high`."""
        import pandas as pd

        of = ("group", "event", "family")
        rows = [
            {key: row[key] for key in of} | one
            for row in self.results.as_json()["fits"]
            for one in row.get("parameters", ())
        ]
        return pd.DataFrame(rows)

    @property
    def parameters(self) -> str:
        """The `parameters:` of the fits with the lowest AIC, as text for a scenario file."""
        return self.results.parameters_text()

    def write(self, file: PathLike) -> None:
        """Write the parameters, and beside them the tables of draws that they name.

        Raises: RunError where a file cannot be written; InputError where there is nothing to write, or a
        file would replace an input.
        """
        for path, text in self.results.files(Path(file)).items():
            write_whole(path, text)

    def report(self, file: PathLike) -> None:
        """Write the page of the fits. Raises: RunError where the file cannot be written."""
        from sim.report.page.fit_page import fit_page
        from sim.runs.provenance import fit_facts

        write_whole(Path(file), fit_page(self.results, fit_facts(("sim", "(Python)"))))

    def as_json(self) -> dict[str, Any]:
        """The results as `--json` writes them."""
        return self.results.as_json()

    def __str__(self) -> str:
        from sim.report.tables.fit_table import print_fit

        return as_text(lambda console: print_fit(self.results, console))
