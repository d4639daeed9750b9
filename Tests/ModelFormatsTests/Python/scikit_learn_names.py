"""Writes Sources/ModelFormats/Pickle/ScikitLearnNames.swift: which names the pickles of scikit-learn's estimators contain.

Every public estimator is listed; every one that can be fitted on a small table is also fitted and pickled, which shows
the private helpers that real models contain, and how each is used (N: created by NEWOBJ, R: called by REDUCE).

    .build/test-environment/bin/python Tests/ModelFormatsTests/Python/scikit_learn_names.py > FILE
"""

import collections
import inspect
import io
import pickle
import pickletools
import sys
import warnings

import numpy
import sklearn
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils import all_estimators
from sklearn.utils._testing import set_random_state

warnings.simplefilter("ignore")
names = collections.defaultdict(set)


class Recorder(pickle._Unpickler):
    """Loads what this very program dumped, and remembers how every name was used."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module, name):
        found = super().find_class(module, name)
        names[module, name].add("-")
        self.origin = getattr(self, "origin", {})
        self.origin[id(found)] = (module, name)
        return found

    def note(self, value, use):
        key = self.origin.get(id(value))
        if key:
            names[key].add(use)

    def load_reduce(self):
        self.note(self.stack[-2], "R")
        if getattr(self.stack[-2], "__name__", "") == "_reconstructor":
            self.note(self.stack[-1][0], "N")
        super().load_reduce()

    def load_newobj(self):
        self.note(self.stack[-2], "N")
        super().load_newobj()

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj


def record(estimator):
    for protocol in (0, 2, 5):
        Recorder(io.BytesIO(pickle.dumps(estimator, protocol))).load()


def instances(cls):
    """An estimator with its defaults, or with the first of some usual arguments that it takes."""
    required = [
        p.name for p in inspect.signature(cls.__init__).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "self"
    ]
    usual = {
        "estimator": LogisticRegression(), "base_estimator": LinearRegression(),
        "estimators": [("a", LogisticRegression()), ("b", LogisticRegression())],
        "transformers": [("a", "passthrough", [0])], "transformer_list": [("a", sklearn.preprocessing.StandardScaler())],
        "steps": [("a", sklearn.preprocessing.StandardScaler()), ("b", LogisticRegression())],
        "param_grid": {"C": [1.0]}, "param_distributions": {"C": [1.0]}, "dictionary": numpy.eye(4),
    }
    yield cls(**{name: usual[name] for name in required})
    for name, values in {
        "loss": ["hinge", "log_loss", "squared_error", "modified_huber", "squared_hinge", "perceptron", "huber", "epsilon_insensitive",
                 "squared_epsilon_insensitive", "exponential", "absolute_error", "quantile", "poisson", "gamma"],
        "algorithm": ["kd_tree", "ball_tree", "brute", "auto"],
        "power": [0, 1, 1.5, 2, 3],
        "metric": ["euclidean", "manhattan", "chebyshev", "minkowski", "cosine", "haversine"],
    }.items():
        if name in inspect.signature(cls.__init__).parameters:
            for value in values:
                try:
                    yield cls(**{k: usual[k] for k in required}, **{name: value})
                except Exception:
                    pass


def main():
    random = numpy.random.RandomState(0)
    table, target = numpy.abs(random.rand(40, 4)) + 0.1, numpy.arange(40) % 2
    for _, cls in all_estimators():
        names[cls.__module__, cls.__name__] |= {"N"}
        try:
            for estimator in instances(cls):
                for x in (table, table[:, 0], ["some words here", "and others"] * 20, [{"a": 1}] * 40):
                    for y in (target, target + 0.5, numpy.stack([target, target], 1), None):
                        for prepared in (False, True):
                            try:
                                if prepared:
                                    set_random_state(estimator)
                                estimator.fit(x, y)
                                record(estimator)
                            except Exception:
                                continue
        except Exception as error:
            print(f"{cls.__name__}: {error}", file=sys.stderr)
    modules = collections.defaultdict(dict)
    for (module, name), uses in names.items():
        if module.startswith("sklearn."):
            modules[module][name] = uses - {"-"}
        elif module.split(".")[0] not in ("numpy", "builtins", "copyreg", "collections", "_codecs", "__builtin__", "copy_reg"):
            print("not scikit-learn's own:", module, name, uses, file=sys.stderr)
    show(modules)


def show(modules):
    print(f"""/// The names that scikit-learn {sklearn.__version__} writes into pickles: `module: Name ...`; a name that is
/// called instead of created has `()` behind it, one that is only mentioned `-`.
///
/// Written by `Tests/ModelFormatsTests/Python/scikit_learn_names.py`, which fits and pickles every public estimator. A new
/// release of scikit-learn means running it again, and a new ``AllowList/version``.
let scikitLearnNames = \"\"\"""")
    for module in sorted(modules):
        line = f"    {module}:"
        for name, uses in sorted(modules[module].items()):
            word = name + ("()" if "R" in uses else "" if uses else "-")
            if len(line) + len(word) + 1 > 116:
                print(line)
                line = f"    {module}:"
            line += f" {word}"
        print(line)
    print('    """')


main()
