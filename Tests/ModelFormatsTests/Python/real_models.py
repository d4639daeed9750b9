"""Writes real models into a directory: scikit-learn's by pickle and joblib, joblib's compressions, numpy's arrays.

A file is named `name.format.verdict`, as an inspection is to find them.
"""

import io
import os
import pickle
import sys
import warnings

import joblib
import numpy
import sklearn
from sklearn import (cluster, decomposition, ensemble, feature_extraction, gaussian_process, isotonic, kernel_ridge, linear_model, mixture,
                     model_selection, naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree)

warnings.simplefilter("ignore")
OUT = sys.argv[1]
random = numpy.random.RandomState(0)
table, target = numpy.abs(random.rand(60, 4)) + 0.1, numpy.arange(60) % 2
words = ["some words here", "and some others", "nothing else"] * 20

estimators = [
    linear_model.LinearRegression(), linear_model.LogisticRegression(), linear_model.Ridge(), linear_model.Lasso(),
    linear_model.SGDClassifier(), linear_model.SGDRegressor(loss="huber"), linear_model.PoissonRegressor(),
    ensemble.RandomForestClassifier(5), ensemble.GradientBoostingClassifier(n_estimators=5), ensemble.IsolationForest(n_estimators=5),
    ensemble.HistGradientBoostingClassifier(max_iter=5), ensemble.HistGradientBoostingRegressor(max_iter=5),
    ensemble.AdaBoostClassifier(n_estimators=5), ensemble.VotingClassifier([("a", naive_bayes.GaussianNB())]),
    tree.DecisionTreeClassifier(), svm.SVC(probability=False), svm.LinearSVC(), naive_bayes.MultinomialNB(), naive_bayes.GaussianNB(),
    neighbors.KNeighborsClassifier(algorithm="kd_tree"), neighbors.KNeighborsRegressor(algorithm="ball_tree"),
    neighbors.LocalOutlierFactor(novelty=True), cluster.KMeans(3, n_init=1), cluster.DBSCAN(), mixture.GaussianMixture(2),
    decomposition.PCA(2), decomposition.NMF(2), preprocessing.StandardScaler(), preprocessing.OneHotEncoder(),
    preprocessing.KBinsDiscretizer(3), preprocessing.FunctionTransformer(numpy.log1p), kernel_ridge.KernelRidge(),
    neural_network.MLPClassifier(max_iter=5), gaussian_process.GaussianProcessRegressor(gaussian_process.kernels.Matern()),
    model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [1.0, 2.0]}, cv=model_selection.KFold(2)),
    pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(random_state=numpy.random.RandomState(1))),
]


def write(name, data):
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(data)


def dumped(value, **options):
    buffer = os.path.join(OUT, "scratch")
    joblib.dump(value, buffer, **options)
    with open(buffer, "rb") as file:
        data = file.read()
    os.remove(buffer)
    return data


codecs = ["zlib", "gzip", "bz2", "lzma", "xz", "lz4"]
for number, estimator in enumerate(estimators):
    estimator.fit(table, target)
    name = type(estimator).__name__
    for protocol in (0, 2, 5):
        write(f"{name}-{protocol}.pickle.safe", pickle.dumps(estimator, protocol))
    data = dumped(estimator)
    # Without arrays, what joblib writes is a plain pickle.
    write(f"{name}-raw.{'joblib' if b'NumpyArrayWrapper' in data else 'pickle'}.safe", data)
    codec = codecs[number % len(codecs)]
    write(f"{name}-{codec}.joblib.safe", dumped({"model": estimator, "data": table}, compress=(codec, 3)))

texts = pipeline.make_pipeline(feature_extraction.text.TfidfVectorizer(), linear_model.LogisticRegression()).fit(words, target)
mixed = {
    "version": "1.0", "objects": numpy.array([1, None, "a"], dtype=object), "model": texts, "fortran": numpy.asfortranarray(table),
    "scalar": numpy.zeros((), "f4"), "empty": numpy.zeros((0, 3)), "text": numpy.array(["a", "bcd"]), "time": numpy.array(["2020"], "M8[ns]"),
    "structured": numpy.zeros(3, [("a", "f4"), ("b", "i8", (2,)), ("c", "O")]), "flags": numpy.array([True]),
    "big": numpy.arange(100_000, dtype=">i4"), "bytes": b"x" * 70_000,
}
for codec in codecs:
    write(f"mixed-{codec}.joblib.safe", dumped(mixed, compress=(codec, 3)))
for protocol in (2, 3, 4, 5):
    write(f"mixed-{protocol}.joblib.safe", dumped(mixed, protocol=protocol))
    write(f"mixed-plain-{protocol}.pickle.safe", pickle.dumps(mixed, protocol))
values = [numpy.random.RandomState(1), numpy.random.default_rng(1), numpy.float64(2), numpy.ma.array([1, 2], mask=[0, 1]), {1, 2},
          frozenset([3]), b"xx", bytearray(b"1"), complex(1, 2), slice(1, 2), range(4), 1 << 70, -1.5, True, None, "\u00e9\n\\u0041"]
values.append(values)
for protocol in range(6):
    write(f"values-{protocol}.pickle.safe", pickle.dumps(values, protocol))


def saved(save, *arguments, **options):
    buffer = io.BytesIO()
    save(buffer, *arguments, **options)
    return buffer.getvalue()


write("numbers.npy.no-code", saved(numpy.save, table))
write("fields.npy.no-code", saved(numpy.save, numpy.zeros(3, [("a", "f4"), ("b", "i8", (2,))])))
write("objects.npy.safe", saved(numpy.save, numpy.array([1, "a", None], dtype=object), allow_pickle=True))
write("numbers.npz.no-code", saved(numpy.savez, a=table, b=target))
write("packed.npz.no-code", saved(numpy.savez_compressed, a=table, b=target))
write("objects.npz.safe", saved(numpy.savez_compressed, a=table, o=numpy.array([{}], dtype=object)))
print(sklearn.__version__)
