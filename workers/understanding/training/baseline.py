"""The yardstick: a linear model over character n-grams, taught the same in the same run."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from triage.labels import DEPARTMENTS, Urgency
from workers.understanding.training.corpora import DISTRESSES, INTENTS, Example
from workers.understanding.training.measures import Answer

HEADS = ("intent", "urgency", "distress", "wants_human", "department")
OWN_WEIGHT = 5.0  # as much more as the network hears of them


class Baseline:
    """One support vector machine a head; it never abstains."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._grams = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True, max_features=300_000
        )
        seen = self._grams.fit_transform([e.text for e in examples])
        self._machines = {}
        for head in HEADS:
            known = [i for i, e in enumerate(examples) if getattr(e, head) is not None]
            answers = [getattr(examples[i], head) for i in known]
            weights = [OWN_WEIGHT if examples[i].source == "own" else 1.0 for i in known]
            self._machines[head] = LinearSVC(C=0.5).fit(seen[known], answers, weights)

    def answer(self, texts: Sequence[str]) -> list[Answer]:
        seen = self._grams.transform(texts)
        said = {head: self._machines[head].predict(seen) for head in HEADS[:-1]}
        scores = self._machines["department"].decision_function(seen)
        best = self._machines["department"].classes_[np.argsort(-scores, axis=1)[:, :3]]
        return [
            Answer(
                intent=INTENTS[said["intent"][i]],
                urgency=int(said["urgency"][i]),
                distress=DISTRESSES[said["distress"][i]],
                wants_human=bool(said["wants_human"][i]),
                departments=tuple(DEPARTMENTS[d] for d in best[i]),
                emergency=INTENTS[said["intent"][i]] == "emergency"
                or said["urgency"][i] == Urgency.EMERGENCY,
                abstained=False,
            )
            for i in range(len(texts))
        ]
