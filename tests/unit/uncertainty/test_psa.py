"""An analysis gives the same numbers however it is cut up, and equal arms the same in every draw."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError, RunError, ScenarioError
from sim.uncertainty import psa as psa_module
from sim.uncertainty.draws_folder import DrawsFolder
from sim.uncertainty.psa import Design, model_of, run_psa, values_by_arm
from sim.uncertainty.results import PsaResults, analyse
from tests.psa_models import QUEUE, TWO_STATES, UNPRICED, analysed, request_of, written

DESIGNS = list(Design)


@pytest.mark.parametrize("design", DESIGNS)
def test_one_draw_alone(tmp_path: Path, design: Design) -> None:
    """Draw 17 alone has the bytes that it has among others."""
    whole = analysed(written(tmp_path), draws=23, patients=40, design=design)
    alone = whole.model.evaluate(values_by_arm(whole.model, [17]), [0 if design is Design.SAME else 17])
    np.testing.assert_array_equal(alone.estimates[0], whole.estimates[17])
    np.testing.assert_array_equal(alone.noise[0], whole.noise[17])
    np.testing.assert_array_equal(alone.economic[0], whole.economic[17])


@pytest.mark.parametrize("design", DESIGNS)
def test_workers(tmp_path: Path, design: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes, and other numbers of patients evaluated together, change no bit."""
    files = written(tmp_path)
    one = analysed(files, draws=12, patients=30, design=design)
    monkeypatch.setattr(psa_module, "is_worth_processes", lambda *_: True)
    monkeypatch.setattr(psa_module, "TOGETHER", 90)
    if design is Design.SAME:
        monkeypatch.undo()
        monkeypatch.setattr(psa_module, "is_worth_processes", lambda *_: True)
    two = analysed(files, draws=12, patients=30, design=design, workers=2)
    for name in ("values", "estimates", "noise", "economic"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert [len(block) for block in one.sums] == [len(block) for block in two.sums]


def test_equal_arms(tmp_path: Path) -> None:
    """Two arms with one pathway differ by exactly 0 in every draw."""
    found = analysed(written(tmp_path, one=TWO_STATES, other=TWO_STATES), draws=9, patients=50)
    np.testing.assert_array_equal(found.estimates[:, 0], found.estimates[:, 1])
    np.testing.assert_allclose(found.noise[:, :, 0, 0], found.noise[:, :, 0, 1], rtol=1e-12)
    assert PsaResults(found).half_error is None, "an error of 0 is not halved"


def test_no_decision_with_the_same_patients(tmp_path: Path) -> None:
    """Patients that all draws share move every benefit alike: an error that no draw shows."""
    request = request_of(written(tmp_path), draws=40, patients=10, design=Design.SAME)
    found = analyse(request)
    assert found.decision == found.value_of_information == ()
    assert found.notes == ("A decision needs fresh patients in each draw; --design fresh has them.",)
    assert analyse(replace(request, design=Design.FRESH)).decision


@pytest.mark.parametrize("design", DESIGNS)
def test_interrupted(tmp_path: Path, design: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    """An analysis that was stopped goes on where it was, and ends with the same bytes."""
    monkeypatch.setattr(psa_module, "TOGETHER", 90)
    request = request_of(written(tmp_path), draws=25, patients=30, design=design)
    model, base = model_of(request)

    def finished(folder: Path, stop_after: int | None) -> dict[str, bytes]:
        store = DrawsFolder(folder, request, model)
        if stop_after is not None:
            write = DrawsFolder.write
            count = 0

            def stopping(self: DrawsFolder, done: psa_module.Done) -> None:
                nonlocal count
                write(self, done)
                count += 1
                if count == stop_after:
                    raise KeyboardInterrupt

            with monkeypatch.context() as patch:
                patch.setattr(DrawsFolder, "write", stopping)
                with pytest.raises(KeyboardInterrupt):
                    run_psa(request, model, base, store=store)
            assert not (folder / "results.json").exists()
            store = DrawsFolder(folder, request, model)
        done = run_psa(request, model, base, store=store)
        store.finish(done, json.dumps(done.estimates.tolist()))
        return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}

    whole, again = finished(tmp_path / "whole", None), finished(tmp_path / "again", 3)
    assert list(whole) == ["draws.parquet", "parameters.parquet", "request.json", "results.json"]
    assert whole == again
    (tmp_path / "whole" / "blocks").mkdir()  # a process that was killed after the last file
    with pytest.raises(InputError, match="holds a finished analysis"):
        DrawsFolder(tmp_path / "whole", request, model)
    assert not (tmp_path / "whole" / "blocks").exists()


@pytest.mark.parametrize("text", [TWO_STATES, UNPRICED], ids=["priced", "unpriced"])
def test_damaged_block(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block whose file is damaged counts as not done; the others are read, not simulated anew."""
    monkeypatch.setattr(psa_module, "TOGETHER", 90)
    request = request_of(written(tmp_path, base=text), draws=6, patients=30)
    model, base = model_of(request)
    store = DrawsFolder(tmp_path / "out", request, model)
    whole = run_psa(request, model, base, store=store)
    block = min((tmp_path / "out" / "blocks").glob("*.parquet"))
    block.write_bytes(block.read_bytes()[:100])
    assert store.read(whole.blocks[0]) is None
    again = run_psa(request, model, base, store=store)
    np.testing.assert_array_equal(again.estimates, whole.estimates)
    np.testing.assert_array_equal(again.economic, whole.economic)


def test_other_analysis_in_the_folder(tmp_path: Path) -> None:
    """A folder with another seed's draws is not mixed with these."""
    files = written(tmp_path)
    request = request_of(files, draws=5, patients=10)
    DrawsFolder(tmp_path / "out", request, model_of(request)[0])
    other = request_of(files, draws=5, patients=10, seed=2)
    with pytest.raises(InputError, match="other arms, parameters or options"):
        DrawsFolder(tmp_path / "out", other, model_of(other)[0])


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    request = request_of(written(tmp_path), draws=5, patients=10)
    with pytest.raises(RunError, match=r"base\.yaml/out: .*nothing was written"):
        DrawsFolder(tmp_path / "base.yaml" / "out", request, model_of(request)[0])


def test_nothing_is_uncertain(tmp_path: Path) -> None:
    """Without an uncertain parameter there is nothing to draw."""
    text = "\n".join(line for line in TWO_STATES.splitlines() if "uncertainty" not in line)
    text = text.replace("parameters:\n", "").replace("$price", "100").replace("$rate", "0.4 per year")
    request = request_of(written(tmp_path, plain=text), draws=5, patients=10)
    with pytest.raises(InputError, match="no parameter has an uncertainty"):
        model_of(request)


def test_a_draw_that_breaks_a_rule(tmp_path: Path) -> None:
    """A utility drawn above 1 is an error before anything is simulated, never cut off."""
    text = TWO_STATES.replace("utility: 0.8", "utility: $u").replace(
        "parameters:\n", "parameters:\n  u: {value: 0.9, uncertainty: {normal: {sd: 0.1}}}\n"
    )
    request = request_of(written(tmp_path, base=text), draws=50, patients=10)
    model, base = model_of(request)
    with pytest.raises(ScenarioError, match=r"`u` is 1\.\d+ in draw \d+; a number here is at most 1"):
        run_psa(request, model, base)


def test_a_draw_that_no_distribution_has(tmp_path: Path) -> None:
    """Bounds that cross in a draw are an error that names both parameters and the draw."""
    text = TWO_STATES.replace("{exponential: {rate: $rate}}", "{uniform: [$low, $high]}").replace(
        "parameters:\n  rate: {value: 0.4 per year, uncertainty: {gamma: {shape: 4}}, source: an example, status: assumed}",
        "parameters:\n  low: {value: 20 days, uncertainty: {lognormal: {sigma: 0.2}}}\n"
        "  high: {value: 25 days, uncertainty: {lognormal: {sigma: 0.2}}}",
    )
    request = request_of(written(tmp_path, base=text), draws=50, patients=10)
    with pytest.raises(ScenarioError, match=r"where `high` is [\d.]+, `low` is [\d.]+ in draw \d+"):
        run_psa(request, *model_of(request))


@pytest.mark.parametrize(("design", "outcome"), [(Design.FRESH, "net benefit"), (Design.SAME, "qaly")])
def test_half_error(tmp_path: Path, design: Design, outcome: str) -> None:
    """The numbers that are printed halve the standard error: 0.5 within 0.15, three errors of the ratio."""
    files = written(tmp_path)
    first = analyse(request_of(files, draws=150, patients=60, design=design))
    half = first.half_error
    assert half is not None
    assert half.outcome == outcome
    again = analyse(request_of(files, draws=half.draws, patients=half.patients, design=design))
    k = first.psa.model.cost_and_qaly[1]
    before, after = (
        (
            one._benefit_components(1) if design is Design.FRESH else one.components(1, k, difference=True)[0]
        ).standard_error
        for one in (first, again)
    )
    assert abs(after / before - 0.5) < 0.15
    assert abs(half.standard_error / before - 0.5) < 0.01
    assert first.as_json()["half_error"]["draws"] == half.draws


@pytest.mark.long
def test_until_precision(tmp_path: Path) -> None:
    """Draws are added until the standard error of the mean difference is small enough, or all are made."""
    request = request_of(written(tmp_path), draws=3000, patients=20)
    found = analyse(request, until_precision="qaly=0.06")
    k = [measure.outcome for measure in found.psa.model.measures].index("qaly")
    assert 1.96 * found.components(1, k, difference=True)[0].standard_error <= 0.06
    assert 100 < found.psa.request.draws < 3000
    same = PsaResults(run_psa(found.psa.request, *model_of(request)))
    assert same.as_json() == found.as_json()
    assert analyse(replace(request, draws=150), until_precision="qaly=0.0001").psa.request.draws == 150


@pytest.mark.parametrize(
    ("target", "draws"),
    [
        ("qaly=5", 100),
        ("survival@2 years=0.2", 100),
        ("survival@restricted_mean=900 days", 100),
        ("qaly=0.0001", 150),
    ],
)
def test_draws_until_precision(tmp_path: Path, target: str, draws: int) -> None:
    """100 draws where these are precise enough, else more, at most those of the request."""
    request = request_of(written(tmp_path), draws=150, patients=10)
    assert analyse(request, until_precision=target).psa.request.draws == draws


@pytest.mark.parametrize(
    ("target", "design", "message"),
    [
        ("survival@3 years=0.1", Design.FRESH, "until_precision: the analysis has no survival at this time"),
        ("survival@median=30 days", Design.FRESH, "until_precision: the analysis has no survival at this"),
        ("qaly=0.1", Design.SAME, "more draws of the same patients need not be more precise"),
    ],
)
def test_no_precision_of_what_the_analysis_does_not_have(
    tmp_path: Path, target: str, design: Design, message: str
) -> None:
    request = request_of(written(tmp_path), draws=150, patients=10, design=design)
    with pytest.raises(InputError, match=message):
        analyse(request, until_precision=target)


def test_an_outcome_that_is_no_single_number_decides_nothing(tmp_path: Path) -> None:
    request = replace(request_of(written(tmp_path), draws=45, patients=10), decided="cost_by_year")
    with pytest.raises(InputError, match="decide: cost_by_year has no survival, share or mean"):
        analyse(request).as_json()


def test_notes_give_the_reason_for_no_decision_and_count_fixed_parameters(tmp_path: Path) -> None:
    """Parameters that are assumed and have no uncertainty stay fixed; a decision needs 40 draws."""
    fixed = "  {}: {{value: 1, source: an example, status: assumed}}\n"
    texts = [
        TWO_STATES.replace("patients:", "".join(map(fixed.format, names)) + "patients:")
        for names in (["one"], ["one", "two"])
    ]
    notes = [
        PsaResults(analysed(written(tmp_path, base=text, other=text), draws=39, patients=5)).notes
        for text in texts
    ]
    assert [note[0] for note in notes] == [
        "1 assumed parameter has no uncertainty and stays fixed; --assume-spread 20% varies it.",
        "2 assumed parameters have no uncertainty and stay fixed; --assume-spread 20% varies them.",
    ]
    assert [note[1:] for note in notes] == [("A decision needs at least 40 draws.",)] * 2


@pytest.mark.parametrize("design", DESIGNS)
def test_shared_resources(tmp_path: Path, design: Design) -> None:
    """Where patients queue no interval is given as that of the parameters, and a note gives the reason."""
    found = analysed(written(tmp_path, base=QUEUE), draws=45, patients=100, design=design)
    row = next(one for one in PsaResults(found).estimates if one.outcome == "qaly")
    assert np.isfinite(row.mean)
    assert np.isnan([row.low, row.high, row.simulation_error]).all()
    assert "share resources" in row.note


def test_the_decision_about_shared_resources_holds_noise(tmp_path: Path) -> None:
    """The note says so, and no numbers of draws are named that would halve an error that is not known."""
    found = PsaResults(analysed(written(tmp_path, base=QUEUE, other=QUEUE), draws=45, patients=100))
    assert found.notes == ("Patients share resources: the decision still holds the noise of the simulation.",)
    assert found.half_error is None


def test_two_currencies(tmp_path: Path) -> None:
    """Costs in two currencies are not compared."""
    files = written(tmp_path, one=TWO_STATES, other=TWO_STATES.replace("GBP", "USD"))
    with pytest.raises(InputError, match="currency is GBP in the first and USD in the second"):
        model_of(request_of(files, draws=5, patients=10))


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is estimated before the draws, and before the patients of the base case."""
    files = written(tmp_path)
    request = request_of(files, draws=10_000_000, patients=40)
    model, base = model_of(request)
    monkeypatch.setattr(psa_module, "machine_memory", lambda: 2.0**30)
    with pytest.raises(InputError, match="GiB are needed"):
        run_psa(request, model, base)
    with pytest.raises(InputError, match="too large"):
        model_of(request_of(files, draws=5, patients=2_000_000_000))
    with pytest.raises(InputError, match="1e\\+14 patients in all draws"):
        request_of(files, draws=10_000_000, patients=10_000_000)
