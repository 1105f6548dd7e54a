"""Every feature equals a naive formula, and says what it must of signals whose answer is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.signal

from engine.data.vibration import Settings, declared, measured
from engine.data.vibration.measures import ROLL_OFF
from engine.errors import UsageError

RATE = 2_000.0
FAULTS = {"bpfo": 61.0, "ftf": 9.0}
SETTINGS = Settings(rate=RATE, bands=((0, 100), (100, 650), (650, 1_000)), faults=FAULTS)
RNG = np.random.default_rng(5)


def sine(hertz, *, height=1.0, n=2_000, rate=RATE):
    return height * np.sin(2 * np.pi * hertz * np.arange(n) / rate + 0.3)


SIGNALS = {
    "noise": RNG.normal(size=400),
    "offset": 5 + RNG.normal(size=400),
    "odd": RNG.standard_t(3, size=401),
    "sine": sine(125, n=400),
    "lopsided": RNG.exponential(size=512),
    "tiny": 1e-9 * RNG.normal(size=333),
}


def lines(x):
    """Frequency and mean square of each line by the sum that defines it; line 0 went with the mean."""
    n, mean = len(x), sum(x) / len(x)
    found = [(0.0, 0.0)]
    for k in range(1, n // 2 + 1):
        wave = np.exp(-2j * np.pi * k * np.arange(n) / n)
        amplitude = abs(np.sum((x - mean) * wave)) / n
        found.append((k * RATE / n, amplitude**2 * (2 if k < n / 2 else 1)))
    return found


def naive_envelope(x):
    """Frequency and amplitude of the lines of the envelope, by way of the Fourier series of the band."""
    n, (low, high) = len(x), SETTINGS.ringing_band
    spectrum = np.fft.fft(x)
    hertz = np.fft.fftfreq(n, 1 / RATE)
    spectrum[(np.abs(hertz) < low) | (np.abs(hertz) >= high)] = 0
    envelope = np.abs(scipy.signal.hilbert(np.fft.ifft(spectrum).real))
    amplitude = 2 * np.abs(np.fft.rfft(envelope - envelope.mean())) / n
    return list(zip(np.fft.rfftfreq(n, 1 / RATE), amplitude, strict=True))


def naive(x):
    """Every feature as the formula in its declaration says, in plain Python."""
    x = [float(value) for value in x]
    n, mean = len(x), sum(x) / len(x)
    rms = math.sqrt(sum(v * v for v in x) / n)
    std = math.sqrt(sum((v - mean) ** 2 for v in x) / n)
    mean_abs, peak = sum(map(abs, x)) / n, max(map(abs, x))
    root = (sum(math.sqrt(abs(v)) for v in x) / n) ** 2
    power = lines(np.array(x))
    total = sum(p for _, p in power)
    centroid = sum(f * p for f, p in power) / total
    running, roll_off = 0.0, math.nan
    for f, p in power:
        running += p
        if running >= ROLL_OFF * total:
            roll_off = f
            break
    values = {
        "mean": mean,
        "std": std,
        "rms": rms,
        "mean_abs": mean_abs,
        "root_amplitude": root,
        "peak": peak,
        "peak_to_peak": max(x) - min(x),
        "crest_factor": peak / rms,
        "shape_factor": rms / mean_abs,
        "impulse_factor": peak / mean_abs,
        "clearance_factor": peak / root,
        "skewness": sum((v - mean) ** 3 for v in x) / n / std**3,
        "kurtosis": sum((v - mean) ** 4 for v in x) / n / std**4,
        "energy": sum(v * v for v in x) / RATE,
        "zero_crossing_rate": sum((a >= mean) != (b >= mean) for a, b in itertools.pairwise(x)) * RATE / n,
        "spectral_centroid": centroid,
        "spectral_spread": math.sqrt(sum(p * (f - centroid) ** 2 for f, p in power) / total),
        "spectral_entropy": -sum(p / total * math.log(p / total) for _, p in power if p)
        / math.log(len(power) - 1),
        "dominant_frequency": max(power, key=lambda line: line[1])[0],
        "roll_off": roll_off,
    }
    for low, high in SETTINGS.energy_bands:
        inside = sum(p for f, p in power if low <= f < high or f == high == RATE / 2)
        values[f"band_{low}_{high}hz_energy"] = inside * n / RATE
    envelope = naive_envelope(np.array(x))
    for name, hertz in FAULTS.items():
        for harmonic in (1, 2, 3):
            reach = max(0.02 * harmonic * hertz, RATE / n)
            near = [a for f, a in envelope if f > 0 and abs(f - harmonic * hertz) <= reach]
            values[f"{name}_{harmonic}x"] = max(near)
    return values


@pytest.mark.parametrize("kind", SIGNALS)
def test_every_feature_equals_its_naive_formula(kind):
    x = SIGNALS[kind]
    found = {name: values[0] for name, values in measured(x[None], SETTINGS).items()}
    expected = naive(x)
    assert list(found) == list(expected) == [measure.name for measure in declared(SETTINGS)]
    scale = np.abs(x).max()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-9 * scale), name


def test_signals_beside_each_other_do_not_change_each_other():
    together = np.stack([SIGNALS["noise"], SIGNALS["offset"], SIGNALS["sine"]])
    for name, values in measured(together, SETTINGS).items():
        alone = [measured(x[None], SETTINGS)[name][0] for x in together]
        np.testing.assert_allclose(values, alone, rtol=1e-12, atol=1e-15)


def test_a_sine_has_the_features_of_a_sine():
    found = {name: v[0] for name, v in measured(sine(50, height=3.0)[None], SETTINGS).items()}
    assert found["rms"] == pytest.approx(3 / math.sqrt(2))
    assert found["crest_factor"] == pytest.approx(math.sqrt(2), rel=1e-2)
    assert found["kurtosis"] == pytest.approx(1.5)
    assert found["shape_factor"] == pytest.approx(math.pi / (2 * math.sqrt(2)), rel=1e-2)
    assert (found["dominant_frequency"], found["roll_off"]) == (50, 50)
    assert found["spectral_centroid"] == pytest.approx(50)
    assert found["spectral_spread"] == pytest.approx(0, abs=1e-3)
    assert found["spectral_entropy"] == pytest.approx(0, abs=1e-6)
    assert found["zero_crossing_rate"] == pytest.approx(100, abs=1)


def test_gaussian_noise_has_kurtosis_three_no_skew_and_a_flat_spectrum():
    found = measured(np.random.default_rng(1).normal(size=(1, 400_000)), SETTINGS)
    assert found["kurtosis"][0] == pytest.approx(3, abs=0.05)
    assert found["skewness"][0] == pytest.approx(0, abs=0.02)
    assert found["crest_factor"][0] > 4
    assert found["spectral_centroid"][0] == pytest.approx(RATE / 4, rel=0.01)
    assert found["spectral_entropy"][0] > 0.95


@pytest.mark.parametrize("n", [400, 401])
def test_the_energies_of_all_bands_add_up_to_the_variance_times_the_time(n):
    settings = Settings(rate=RATE)
    x = 2 + RNG.normal(size=(3, n))
    found = measured(x, settings)
    together = sum(values for name, values in found.items() if name.startswith("band_"))
    np.testing.assert_allclose(together, x.var(axis=1) * n / RATE, rtol=1e-12)


def test_a_tone_is_in_its_own_band_and_in_no_other():
    found = measured(sine(125)[None], SETTINGS)
    bands = {name: v[0] for name, v in found.items() if name.startswith("band_")}
    assert bands["band_100_650hz_energy"] == pytest.approx(0.5)  # mean square 1/2 for one second
    assert sum(bands.values()) == pytest.approx(0.5)


def test_the_envelope_finds_how_often_a_hidden_resonance_is_struck():
    rate, n, blow_hz = 20_000.0, 20_000, 87.0
    seconds = np.arange(n) / rate
    blows = np.zeros(n)
    blows[(np.arange(0.003, 1, 1 / blow_hz) * rate).astype(int)] = 1.0
    ring = np.exp(-seconds[:200] / 0.001) * np.sin(2 * np.pi * 4_300 * seconds[:200])
    hum = 2.0 * np.sin(2 * np.pi * 33 * seconds)
    x = np.convolve(blows, ring)[:n] + hum + 0.05 * RNG.normal(size=n)
    settings = Settings(rate=rate, faults={"planted": blow_hz, "other": 61.0})
    found = {name: v[0] for name, v in measured(x[None], settings).items()}
    for harmonic in (1, 2, 3):
        assert found[f"planted_{harmonic}x"] > 10 * found[f"other_{harmonic}x"]


def test_a_fault_within_the_tolerance_is_found_and_one_beyond_it_is_not():
    rate, n = 20_000.0, 40_000
    seconds = np.arange(n) / rate
    x = (1 + 0.5 * np.sin(2 * np.pi * 101.5 * seconds)) * np.sin(2 * np.pi * 5_000 * seconds)

    def amplitude(tolerance):
        settings = Settings(rate=rate, faults={"f": 100.0}, tolerance=tolerance)
        return measured(x[None], settings)["f_1x"][0]

    assert amplitude(0.02) == pytest.approx(0.5, rel=0.01)
    assert amplitude(0.005) < 0.01


def test_a_signal_at_rest_has_no_shape_and_nothing_warns():
    found = {name: v[0] for name, v in measured(np.full((1, 100), 0.1), Settings(rate=RATE)).items()}
    assert (found["mean"], found["std"], found["peak_to_peak"]) == (pytest.approx(0.1), 0, 0)
    assert found["crest_factor"] == pytest.approx(1)
    shapeless = ("skewness", "kurtosis", "spectral_centroid", "spectral_entropy", "dominant_frequency")
    assert all(math.isnan(found[name]) for name in (*shapeless, "roll_off", "spectral_spread"))
    silent = {name: v[0] for name, v in measured(np.zeros((1, 100)), Settings(rate=RATE)).items()}
    assert math.isnan(silent["crest_factor"])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e16])
def test_a_missing_or_impossible_sample_leaves_its_signal_alone_without_features(bad):
    x = RNG.normal(size=(3, 100))
    x[1, 40] = bad
    for values in measured(x, Settings(rate=RATE)).values():
        assert np.isnan(values).tolist() == [False, True, False]


def test_every_feature_says_its_formula_unit_and_meaning_and_has_a_name_of_its_own():
    measures = declared(SETTINGS)
    assert len({measure.name for measure in measures}) == len(measures)
    assert all(measure.formula and measure.meaning and measure.unit for measure in measures)


def test_harmonics_beyond_half_the_rate_are_left_out():
    names = [measure.name for measure in declared(Settings(rate=1_000, faults={"f": 200.0}))]
    assert [name for name in names if name.startswith("f_")] == ["f_1x", "f_2x"]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"rate": 0}, "the sampling rate must be above 0 samples a second, got 0"),
        ({"rate": math.nan}, "the sampling rate must be above 0"),
        ({"bands": ((0, 2_000),)}, "between 0 and half the sampling rate, 1000 Hz, got 0 to 2000 Hz"),
        ({"bands": ((300, 200),)}, "got 300 to 200 Hz"),
        ({"envelope_band": (-1, 200)}, "got -1 to 200 Hz"),
        ({"faults": {"bpfo": 1_000}}, "'bpfo' must lie above 0 and below half the sampling rate, 1000 Hz"),
        ({"tolerance": 2}, "the tolerance must be a share from 0 to below 0.5, got 2"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(choices, words):
    with pytest.raises(UsageError, match=words):
        Settings(**{"rate": RATE, **choices})


def test_a_fault_slower_than_the_signal_is_long_is_refused_with_the_length_it_needs():
    with pytest.raises(UsageError, match="'ftf' of 9 Hz needs at least 223 samples at a time, got 100"):
        SETTINGS.check_length(100)
