/// Names of Python, numpy, scipy, joblib and PyTorch; the form is told at ``AllowList``.
///
/// Not here, for they call what they are given: getattr, setattr, map, filter, reduce, iter, next, sorted, min, max,
/// partial.
let commonNames = """
    builtins: object- set[R|plain] frozenset[R|plain] list[R|plain] dict[R|plain] tuple[R|plain] bytearray[R|plain]
    builtins: bytes[R|plain] complex[R|plain] slice[R|plain] range[R|plain] int[R|plain] float[R|plain] str[R|plain]
    builtins: bool[R|plain]
    collections: OrderedDict[RNB|plain] Counter[R|plain] deque[R|plain] defaultdict[R|factory]
    copyreg: _reconstructor[RB|reconstructor]
    _codecs: encode[R|latin1]
    datetime: datetime[R|plain] date[R|plain] time[R|plain] timedelta[R|plain] timezone[R|plain]
    decimal: Decimal[R|plain]
    fractions: Fraction[R|plain]
    uuid: UUID[NB]
    pathlib: PosixPath[R|plain] PurePosixPath[R|plain]

    numpy: dtype[RB|dtype] ndarray- bool_- int8- int16- int32- int64- uint8- uint16- uint32- uint64- float16- float32-
    numpy: float64- longdouble- complex64- complex128- str_- bytes_- void- object_- datetime64- timedelta64- bool-
    numpy: intp- uintp- intc- uintc- longlong- ulonglong- exp- log- log1p- log2- log10- expm1- sqrt- square- abs- sin-
    numpy: cos- tan- tanh- mean- median- sum- nan_to_num- matrix- random-
    numpy.dtypes: Float64DType- Float32DType- Int64DType- Int32DType- StringDType[R|plain]
    numpy.core.multiarray: _reconstruct[RB|arrayType] scalar[R|scalar]
    numpy._core.multiarray: _reconstruct[RB|arrayType] scalar[R|scalar]
    numpy.core.numeric: _frombuffer[R|plain]
    numpy._core.numeric: _frombuffer[R|plain]
    numpy.matrixlib.defmatrix: matrix-
    numpy.ma.core: _mareconstruct[RB|arrayType] MaskedArray-
    numpy.ma: MaskedArray-
    numpy.random._pickle: __randomstate_ctor[RB|generator] __generator_ctor[RB|generator] __bit_generator_ctor[RB|generator]
    numpy.random._mt19937: MT19937-
    numpy.random._pcg64: PCG64- PCG64DXSM-
    numpy.random._philox: Philox-
    numpy.random._sfc64: SFC64-
    numpy.random.bit_generator: SeedSequence __pyx_unpickle_SeedSequence[RB|type]

    scipy.sparse._csr: csr_matrix csr_array
    scipy.sparse._csc: csc_matrix csc_array
    scipy.sparse._coo: coo_matrix coo_array
    scipy.sparse.csr: csr_matrix
    scipy.sparse.csc: csc_matrix
    scipy.interpolate._bsplines: BSpline
    scipy.interpolate._interpolate: interp1d
    scipy.interpolate._cubic: PchipInterpolator CubicSpline
    scipy._lib.array_api_compat.numpy._aliases: asarray-

    joblib.numpy_pickle: NumpyArrayWrapper
    sklearn.externals.joblib.numpy_pickle: NumpyArrayWrapper

    sklearn.gaussian_process.kernels: ConstantKernel WhiteKernel RBF Matern RationalQuadratic ExpSineSquared DotProduct
    sklearn.gaussian_process.kernels: PairwiseKernel Sum Product Exponentiation CompoundKernel Hyperparameter[R|plain]
    sklearn.model_selection._split: KFold StratifiedKFold GroupKFold ShuffleSplit StratifiedShuffleSplit TimeSeriesSplit
    sklearn.model_selection._split: RepeatedKFold RepeatedStratifiedKFold LeaveOneOut PredefinedSplit StratifiedGroupKFold
    sklearn.neural_network._stochastic_optimizers: SGDOptimizer AdamOptimizer
    sklearn.linear_model._sgd_fast: Hinge() SquaredHinge() Log() ModifiedHuber() SquaredLoss() Huber() EpsilonInsensitive()
    sklearn.linear_model._sgd_fast: SquaredEpsilonInsensitive()
    sklearn.feature_selection._univariate_selection: f_classif- f_regression- chi2-
    sklearn.feature_selection._mutual_info: mutual_info_classif- mutual_info_regression-
    sklearn.metrics._scorer: _Scorer _PassthroughScorer _CurveScorer _PredictScorer _ProbaScorer _ThresholdScorer
    sklearn.metrics._classification: accuracy_score- balanced_accuracy_score- f1_score- precision_score- recall_score-
    sklearn.metrics._classification: log_loss- matthews_corrcoef- brier_score_loss-
    sklearn.metrics._ranking: roc_auc_score- average_precision_score-
    sklearn.metrics._regression: mean_squared_error- mean_absolute_error- r2_score- root_mean_squared_error-
    sklearn.metrics._dist_metrics: newObj[RB|type] EuclideanDistance EuclideanDistance64 ManhattanDistance
    sklearn.metrics._dist_metrics: ManhattanDistance64 ChebyshevDistance ChebyshevDistance64 MinkowskiDistance
    sklearn.metrics._dist_metrics: MinkowskiDistance64 HaversineDistance HaversineDistance64 HammingDistance64
    sklearn.metrics._dist_metrics: EuclideanDistance32 ManhattanDistance32 ChebyshevDistance32 MinkowskiDistance32
    sklearn.neighbors._ball_tree: newObj[RB|type] BallTree BallTree64 BallTree32
    sklearn.neighbors._kd_tree: newObj[RB|type] KDTree KDTree64 KDTree32
    sklearn.utils: Bunch
    sklearn.utils.deprecation: DeprecationDict

    torch: FloatStorage- DoubleStorage- HalfStorage- BFloat16Storage- LongStorage- IntStorage- ShortStorage- CharStorage-
    torch: ByteStorage- BoolStorage- ComplexFloatStorage- ComplexDoubleStorage- QInt8Storage- QUInt8Storage- QInt32Storage-
    torch: QUInt4x2Storage- QUInt2x4Storage- Tensor- Size[R|plain] device[R|plain] float16- bfloat16- float32- float64-
    torch: int8- int16- int32- int64- uint8- uint16- uint32- uint64- bool- complex64- complex128- half- float- double-
    torch: float8_e4m3fn- float8_e5m2- quint8- qint8- qint32- quint4x2- strided- sparse_coo- sparse_csr-
    torch: per_tensor_affine- per_channel_affine- per_tensor_symmetric- per_channel_symmetric- contiguous_format-
    torch: channels_last- preserve_format-
    torch.storage: TypedStorage- UntypedStorage- _load_from_bytes[R|nestedPickle]
    torch._utils: _rebuild_tensor[R|plain] _rebuild_tensor_v2[R|plain] _rebuild_tensor_v3[R] _rebuild_parameter[R|plain]
    torch._utils: _rebuild_parameter_with_state[R|plain] _rebuild_qtensor[R] _rebuild_sparse_tensor[R]
    torch._utils: _rebuild_meta_tensor_no_storage[R] _rebuild_device_tensor_from_numpy[R]
    torch._utils: _rebuild_device_tensor_from_cpu_tensor[R]
    torch.nn.parameter: Parameter-
    torch.serialization: _get_layout[R|plain]
    torch._tensor: Tensor- _rebuild_from_type_v2[R|tensorFunction]
    """

/// What TorchScript's own unpickler knows; only inside of such an archive.
let torchScriptNames = """
    torch.jit._pickle: build_intlist[R] build_doublelist[R] build_boollist[R] build_tensorlist[R]
    torch.jit._pickle: build_tensor_from_id[R] restore_type_tag[R]
    """
