"""Writes models of Keras, skops and LightGBM into a directory, as these libraries write them.

A file is named `name.format.verdict`, as an inspection is to find them.
"""

import importlib.abc
import importlib.machinery
import logging
import os
import sys
import unittest.mock
import warnings

os.environ["KERAS_BACKEND"] = "numpy"
warnings.simplefilter("ignore")


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for jax, which Keras' NumPy backend imports for operations that saving needs none of."""

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] != "jax":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = unittest.mock.MagicMock(name=spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Absent())

import keras  # noqa: E402
import lightgbm  # noqa: E402
import numpy  # noqa: E402
import skops.io  # noqa: E402
from sklearn import ensemble, linear_model, pipeline, preprocessing  # noqa: E402

logging.getLogger("absl").setLevel(logging.ERROR)
OUT = sys.argv[1]
random = numpy.random.RandomState(0)
table, target = random.rand(60, 4), numpy.arange(60) % 2


def keras_model(name, verdict, model):
    for suffix, kind in ((".keras", "keras"), (".h5", "keras-hdf5")):
        model.save(f"{OUT}/scratch{suffix}")
        os.rename(f"{OUT}/scratch{suffix}", f"{OUT}/{name}.{kind}.{verdict}")


layers = keras.layers
keras_model("dense", "safe", keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)]))
image = keras.Input((8, 8, 3))
keras_model("image", "safe", keras.Model(image, layers.Dense(2)(layers.Flatten()(layers.Conv2D(4, 3)(image)))))
keras_model("lambda", "dangerous", keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2)]))

for estimator in (linear_model.LogisticRegression(), ensemble.RandomForestClassifier(5),
                  pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge())):
    skops.io.dump(estimator.fit(table, target), f"{OUT}/{type(estimator).__name__}.skops.safe")

booster = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(table, target).booster_
booster.save_model(f"{OUT}/boosted.lightgbm.no-code")
