"""The results of `sim.sensitivity`: data frames, and the tables that the command prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.files import write_whole
from sim.frames import PathLike, as_text

if TYPE_CHECKING:
    import pandas as pd

    from sim.uncertainty.sensitivity_results import SensitivityResults


@dataclass(frozen=True, eq=False)
class SensitivityFrames:
    """A sensitivity analysis. results: typed. A frame of what was not asked for has no rows."""

    results: SensitivityResults

    @cached_property
    def tornado(self) -> pd.DataFrame:
        """A row for each bar, the longest first; see `BarRow`."""
        return _frame_of(self.results.tornado, "BarRow")

    @cached_property
    def variance(self) -> pd.DataFrame:
        """The Sobol indices of each parameter; see `IndexRow`."""
        return _frame_of(self.results.variance, "IndexRow")

    @cached_property
    def given_data(self) -> pd.DataFrame:
        """First-order indices from kept draws; see `GivenRow`."""
        return _frame_of(self.results.given_data, "GivenRow")

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """The rank of each parameter by each measure; see `RankRow`."""
        return _frame_of(self.results.ranks, "RankRow")

    @cached_property
    def thresholds(self) -> pd.DataFrame:
        """The values at which the best arm changes; see `ThresholdRow`."""
        return _frame_of(self.results.thresholds, "ThresholdRow")

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The arms along the parameter of a threshold analysis; see `CurveRow`."""
        return _frame_of(self.results.curve, "CurveRow")

    def report(self, file: PathLike) -> None:
        """Write the page of the analysis. Raises: RunError where the file cannot be written."""
        from sim.report.page.sensitivity_page import sensitivity_page
        from sim.runs.provenance import page_facts

        facts = page_facts(("sim", "(Python)"), seed=self.results.study.request.seed, replications=1)
        write_whole(Path(file), sensitivity_page(self.results, facts))

    def as_json(self) -> dict[str, Any]:
        """The results as `--json` writes them."""
        return self.results.as_json()

    def __str__(self) -> str:
        from sim.report.tables.sensitivity_table import print_sensitivity

        return as_text(lambda console: print_sensitivity(self.results, console))


def _frame_of(rows: Sequence[Any], row_type: str) -> pd.DataFrame:
    """Rows as a frame with the columns of their type, also where there are none."""
    import pandas as pd

    from sim.uncertainty import sensitivity_results

    return pd.DataFrame(list(rows), columns=getattr(sensitivity_results, row_type)._fields)
