"""Plain classifiers beside which a model that names classes has to show what it adds.

They are given the table as a careful user would give it: categories as such, gaps as gaps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.encoding import Encoder

BOOSTED, LOGISTIC = "HistGradientBoosting", "logistic regression"


def named_by(title: str, frame: pd.DataFrame, classes: NDArray[Any], asked: pd.DataFrame) -> NDArray[Any]:
    """The classes (n_asked,) that the baseline of that title names, taught by the rows of a frame (n_samples,)."""
    encoder = Encoder.fit(frame, tuple(frame.columns), mixed=title == LOGISTIC)
    learned, wanted = encoder.transform(frame).values, encoder.transform(asked).values
    known = classes.astype(str)
    if len(np.unique(known)) < 2:
        return np.repeat(known[:1], len(asked))
    found: NDArray[Any] = BASELINES[title]()(learned, known, wanted)
    return found


def _boosted() -> Callable[..., NDArray[Any]]:
    """Friedman (2001), as histograms (Ke et al., 2017), with scikit-learn's defaults."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    def name(learned: NDArray[Any], classes: NDArray[Any], asked: NDArray[Any]) -> NDArray[Any]:
        fitted = HistGradientBoostingClassifier(early_stopping=False, random_state=0).fit(learned, classes)
        answer: NDArray[Any] = fitted.predict(asked)
        return answer

    return name


def _logistic() -> Callable[..., NDArray[Any]]:
    """One cell a level, numbers standardised, gaps at the middle."""
    from sklearn.linear_model import LogisticRegression

    def name(learned: NDArray[Any], classes: NDArray[Any], asked: NDArray[Any]) -> NDArray[Any]:
        fitted = LogisticRegression(max_iter=2_000).fit(np.nan_to_num(learned), classes)
        answer: NDArray[Any] = fitted.predict(np.clip(np.nan_to_num(asked), -1e6, 1e6))
        return answer

    return name


BASELINES = {BOOSTED: _boosted, LOGISTIC: _logistic}
