"""The results of `sim.psa`: data frames, and the tables that the command prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.files import write_whole
from sim.frames import PathLike, as_text

if TYPE_CHECKING:
    import pandas as pd

    from sim.uncertainty.results import PsaResults


@dataclass(frozen=True, eq=False)
class PsaFrames:
    """A probabilistic sensitivity analysis. results: typed."""

    results: PsaResults

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """A row for each number of each arm, then for each difference from the first arm; see `PsaRow`."""
        return _rows_frame(self.results.estimates)

    @cached_property
    def decision(self) -> pd.DataFrame:
        """A row for each threshold (or time) and arm; see `DecisionRow`."""
        return _rows_frame(self.results.decision)

    @cached_property
    def value_of_information(self) -> pd.DataFrame:
        """A row for each threshold (or time) and parameter; see `InformationRow`."""
        return _rows_frame(self.results.value_of_information)

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """A row for each draw, a column for each parameter (`NAME.KEY` for a part of a vector)."""
        import pandas as pd

        psa = self.results.psa
        names = [f"{name}.{key}" if key else name for name, key in psa.columns]
        return pd.DataFrame(psa.values, columns=names)

    @cached_property
    def draws(self) -> pd.DataFrame:
        """A row for each draw, arm and measure: the columns of `draws.parquet`, `noise` its squared error."""
        import pandas as pd

        psa = self.results.psa
        n, n_arms, n_measures = psa.estimates.shape
        arms = np.arange(n_arms)
        labels = pd.MultiIndex.from_product(
            [range(n), [arm.name for arm in psa.model.arms], range(n_measures)], names=["draw", "arm", "k"]
        )
        noise = np.moveaxis(psa.noise[:, :, arms, arms], 2, 1)
        columns = {"estimate": psa.estimates.reshape(-1), "noise": noise.reshape(-1)}
        table = pd.DataFrame(columns, index=labels).reset_index()
        measures = pd.DataFrame(psa.model.measures).rename(columns={"time": "time_days"})
        return table.merge(measures, left_on="k", right_index=True).drop(columns="k").sort_index()

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A row for each arm and time: survival over the draws without simulation noise; see `CurveRow`."""
        from sim.uncertainty.draw_summaries import survival_curves

        return _rows_frame(list(survival_curves(self.results)))

    @cached_property
    def plane(self) -> pd.DataFrame:
        """A row for each arm and draw: incremental cost and QALYs; see `PlaneRow`."""
        from sim.uncertainty.draw_summaries import cost_effectiveness_draws

        return _rows_frame(list(cost_effectiveness_draws(self.results)))

    @cached_property
    def convergence(self) -> pd.DataFrame:
        """A row for each arm and number of draws: the mean over these; see `ConvergenceRow`."""
        from sim.uncertainty.draw_summaries import convergence

        return _rows_frame(list(convergence(self.results)))

    def report(self, file: PathLike) -> None:
        """Write the page of the analysis. Raises: RunError where the file cannot be written."""
        from sim.report.page.psa_page import psa_page
        from sim.runs.provenance import page_facts

        seed = self.results.psa.request.seed
        write_whole(
            Path(file), psa_page(self.results, page_facts(("sim", "(Python)"), seed=seed, replications=1))
        )

    def as_json(self) -> dict[str, Any]:
        """The results as `--json` writes them."""
        return self.results.as_json()

    def __str__(self) -> str:
        from sim.report.tables.psa_table import print_psa

        return as_text(lambda console: print_psa(self.results, console))


def _rows_frame(rows: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows))
