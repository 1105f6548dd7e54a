"""Plain classifiers beside which a model that names classes has to show what it adds.

They are given the table as a careful user would give it: categories as such, gaps as gaps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.classifying import Classified
from engine.data.encoding import Encoder

Probabilities = NDArray[np.float64]  # (n_asked, n_classes), of the classes in the order of the alphabet

SHRUNK = 1.0  # added to the second derivatives of a leaf

BOOSTED, LOGISTIC = "HistGradientBoosting", "logistic regression"


def named_by(title: str, frame: pd.DataFrame, classes: NDArray[Any], asked: pd.DataFrame) -> NDArray[Any]:
    """The classes (n_asked,) that the baseline of that title finds likeliest; see :func:`classified_by`."""
    return classified_by(title, frame, classes, asked).best


def classified_by(title: str, frame: pd.DataFrame, classes: NDArray[Any], asked: pd.DataFrame) -> Classified:
    """The classes that the baseline of that title names in ``asked``, taught by the rows of a frame (n_samples,)."""
    encoder = Encoder.fit(frame, tuple(frame.columns), mixed=title == LOGISTIC)
    learned, wanted = encoder.transform(frame).values, encoder.transform(asked).values
    known = classes.astype(str)
    names = tuple(sorted(set(known.tolist())))
    if len(names) < 2:
        return Classified(names=names, probabilities=np.ones((len(asked), 1)))
    return Classified(names=names, probabilities=BASELINES[title]()(learned, known, wanted))


def _boosted() -> Callable[..., Probabilities]:
    """Friedman (2001), as histograms (Ke et al., 2017), with scikit-learn's defaults but for one.

    Leaves are shrunk as XGBoost does (Chen and Guestrin, 2016): as it is, the leaves of rare classes run away, and on
    the access events macro-F1 is 0.42 instead of 0.90.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    def name(learned: NDArray[Any], classes: NDArray[Any], asked: NDArray[Any]) -> Probabilities:
        # Hundreds of small trees: beside another job, threads wait for each other longer than they work.
        with threadpool_limits(limits=1, user_api="openmp"):
            trees = HistGradientBoostingClassifier(
                early_stopping=False, random_state=0, l2_regularization=SHRUNK
            )
            fitted = trees.fit(learned, classes)
            answer: Probabilities = fitted.predict_proba(asked)
        return answer

    return name


def _logistic() -> Callable[..., Probabilities]:
    """One cell a level, numbers standardised, gaps at the middle."""
    from sklearn.linear_model import LogisticRegression

    def name(learned: NDArray[Any], classes: NDArray[Any], asked: NDArray[Any]) -> Probabilities:
        fitted = LogisticRegression(max_iter=2_000).fit(np.nan_to_num(learned), classes)
        answer: Probabilities = fitted.predict_proba(np.clip(np.nan_to_num(asked), -1e6, 1e6))
        return answer

    return name


BASELINES = {BOOSTED: _boosted, LOGISTIC: _logistic}
