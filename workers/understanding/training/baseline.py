"""The yardstick: a linear model over character n-grams, taught the same in the same run."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from triage.labels import DEPARTMENTS, Urgency
from triage.redflags import find_red_flags
from workers.understanding.decision import HEADS
from workers.understanding.training.corpora import DISTRESSES, INTENTS, Example
from workers.understanding.training.measures import Answer


class Baseline:
    """One support vector machine a head; it never abstains."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._grams = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True, max_features=300_000
        )
        seen = self._grams.fit_transform([e.text for e in examples])
        self._machines = {}
        for head in HEADS:
            known = [i for i, e in enumerate(examples) if e.first(head) is not None]
            answers = [examples[i].first(head) for i in known]
            self._machines[head] = LinearSVC(C=0.5).fit(seen[known], answers)

    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        texts = [e.text for e in examples]
        seen = self._grams.transform(texts)
        said = {head: self._machines[head].predict(seen) for head in HEADS[:-1]}
        margins = self._machines["intent"].decision_function(seen)
        scores = self._machines["department"].decision_function(seen)
        best = self._machines["department"].classes_[np.argsort(-scores, axis=1)[:, :3]]
        return [
            Answer(
                intent=INTENTS[said["intent"][i]],
                confidence=float(1 / (1 + np.exp(-2 * margins[i].max()))),
                urgency=int(said["urgency"][i]),
                distress=DISTRESSES[said["distress"][i]],
                wants_human=bool(said["wants_human"][i]),
                departments=tuple(DEPARTMENTS[d] for d in best[i]),
                emergency=INTENTS[said["intent"][i]] == "emergency"
                or said["urgency"][i] == Urgency.EMERGENCY,
                abstained=False,
                by_rule=bool(find_red_flags(texts[i])),
            )
            for i in range(len(texts))
        ]
