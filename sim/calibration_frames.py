"""The results of `sim.calibrate`: data frames, the calibrated scenario, and what the command prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.files import check_outputs, write_whole
from sim.frames import PathLike, as_text

if TYPE_CHECKING:
    import pandas as pd

    from sim.calibration.calibration_results import CalibrationResults


@dataclass(frozen=True, eq=False)
class CalibrationFrames:
    """A calibration. results: typed."""

    results: CalibrationResults

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """A row for each parameter; see `ParameterRow`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.results.parameters])

    @cached_property
    def targets(self) -> pd.DataFrame:
        """A row for each figure, held back ones too; see `TargetRow`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.results.targets])

    @cached_property
    def draws(self) -> pd.DataFrame:
        """A row for each draw of the posterior, a column for each parameter in its unit."""
        from io import StringIO

        import pandas as pd

        return pd.read_csv(StringIO(self.results.draws_csv()))

    @cached_property
    def correlation(self) -> pd.DataFrame:
        """The posterior correlations of the parameters' normal scores."""
        import pandas as pd

        names = [row.name for row in self.results.parameters]
        return pd.DataFrame(self.results.calibration.identified.correlation, index=names, columns=names)

    def write(self, file: PathLike) -> None:
        """Write the calibrated scenario, and its draws beside it, as `--out` does.

        Raises: InputError where a file would replace an input, RunError where one cannot be written.
        """
        from sim.calibration.calibration_results import draws_file
        from sim.calibration.setup import files_read

        scenario, request = Path(file), self.results.calibration.request
        draws = draws_file(scenario)
        check_outputs([scenario, draws], inputs=files_read(request))
        write_whole(draws, self.results.draws_csv())
        write_whole(scenario, self.results.layer(file=scenario, draws=draws))

    def report(self, file: PathLike) -> None:
        """Write the page of the calibration. Raises: RunError where the file cannot be written."""
        from sim.report.page.calibration_page import calibration_page
        from sim.runs.provenance import page_facts

        facts = page_facts(("sim", "(Python)"), seed=self.results.calibration.request.seed, replications=1)
        write_whole(Path(file), calibration_page(self.results, facts))

    def as_json(self) -> dict[str, Any]:
        """The results as `--json` writes them."""
        return self.results.as_json()

    def __str__(self) -> str:
        from sim.report.tables.calibration_table import print_calibration

        return as_text(lambda console: print_calibration(self.results, console))
