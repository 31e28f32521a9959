//! What can be wrong with a backend.

/// One fault of a backend that is right otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// No fault: f64, GELU, tanh, and all losses but cross-entropy are not supported.
    Limited,
    /// tanh is off by five units in the last place.
    InexactTanh,
    /// The sigmoid is off by nine units in the last place.
    InexactSigmoid,
    /// tanh is ±1 from 7 on.
    TanhSaturatesEarly,
    /// leaky_relu as the larger of x and slope·x, which is wrong for slopes above 1.
    LeakyByMaximum,
    /// Subnormal results are flushed to zero.
    FlushesSubnormals,
    /// GELU by its popular approximation.
    GeluByTanh,
    /// relu takes NaN for a negative number.
    ReluEatsNan,
    /// The derivative of tanh is taken for 1 − y.
    WrongDerivative,
    /// relu's derivative at 0 is 1.
    KinkFromTheRight,
    /// leaky_relu's derivative is relu's.
    LeakyForgotten,
    /// The last layer has no bias.
    DropsBias,
    /// One sum of the 1025th row is off by 0.001.
    WrongInLargeBatches,
    /// A dense layer's sums are answered after its activation.
    ActivatesSums,
    /// The mean is over rows where it should be over rows and outputs.
    MeanOverRowsAlone,
    /// The sum is divided by the rows.
    SumIsMean,
    /// The gradient of the squared error is that of half of it.
    HalvesSquaredError,
    /// The first of many layers has a gradient of zero.
    ForgetsFirstLayer,
    /// The weights' gradient of the first of many layers leaves out the last row.
    LeavesOutRow,
    /// The first of many layers has no bias.
    DropsFirstBias,
    /// The gradient is added to the one kept before.
    AddsToOldGradient,
    /// The gradient of the outputs loses its last five bits.
    ShortensDelta,
    /// The activation on the last layer has no derivative.
    ForgetsLastActivation,
    /// The input gradient comes as [inputs, rows].
    TransposesInputGradient,
    /// The input gradient uses the layers' outputs of the last training batch.
    StaleInputGradient,
    /// softmax without a shift.
    SoftmaxOverflows,
    /// The logarithm of a probability that may be 0.
    LogOfProbability,
    /// The logarithm of a probability kept above 10⁻⁷.
    ClipsProbability,
    /// ln(1 + eᶻ) without care for large z.
    BinaryOverflows,
    /// Updates whatever the loss.
    StepsOnNan,
    /// A loss of NaN is answered as 0.
    NanLossIgnored,
    /// Lists of rows are sorted.
    SortsLists,
    /// Ranges begin at row 0.
    IgnoresRangeStart,
    /// Rows that do not fill a block of 64 are not read.
    DropsPartialBlock,
    /// Data sets of the same size are taken for the same.
    CachesBySize,
    /// Adam's bias correction is one step off.
    CountsFromZero,
    /// Adam's ε is under the root.
    EpsilonInsideRoot,
    /// Nesterov's momentum is plain momentum.
    IgnoresNesterov,
    /// SGD without weight decay.
    IgnoresDecay,
    /// AdamW is Adam.
    CouplesDecay,
    /// β₁ and β₂ are exchanged.
    SwapsBetas,
    /// A changed learning rate is not noticed.
    KeepsFirstRate,
    /// A step sums rows in another order than a gradient alone.
    StepSumsOtherwise,
    /// A fresh network's parameters are not zero.
    FreshNotZero,
    /// −0 becomes 0 on its way in.
    LosesNegativeZero,
    /// A gradient that is given is not taken over.
    KeepsOldGradient,
    /// Steps are kept in 32 bits.
    StateShortensSteps,
    /// Asking for outputs clears the gradient.
    OutputsLoseGradient,
    /// Steps are not restored.
    StateDropsSteps,
    /// Moments are not restored.
    StateDropsMoments,
    /// Every second network sums rows in another order.
    SumsByRun,
    /// Each thread sums some rows, and the sums are added.
    SumsByThread,
    /// Errors are of another kind than documented.
    WrongKindOfError,
    /// A row past the end is taken for the last one.
    TakesPastEnd,
    /// A class without an output gives a loss of NaN.
    TakesAnyClass,
    /// A step that fails leaves moments behind.
    AllocatesBeforeChecking,
    /// Coefficients that are missing are taken for zeros.
    TakesAnyCoefficients,
    /// A layer that does not exist is taken for the last.
    TakesAnyLayer,
    /// Parameters of another precision are converted.
    ConvertsParameters,
    /// A gradient of another length or precision is taken.
    TakesAnyGradient,
    /// Settings out of range are used.
    AcceptsBadOptimizer,
    /// Moments of another optimiser are thrown away.
    AcceptsOtherMoments,
    /// A slope below 0 is taken for 0.
    AcceptsBadPlan,
}

impl Fault {
    /// Each fault, and the check that is there to find it.
    pub(crate) const ALL: [(Fault, &str); 62] = [
        (Fault::InexactTanh, "activation_values"),
        (Fault::InexactSigmoid, "activation_values"),
        (Fault::TanhSaturatesEarly, "activation_values"),
        (Fault::LeakyByMaximum, "activation_values"),
        (Fault::FlushesSubnormals, "activation_values"),
        (Fault::GeluByTanh, "activation_values"),
        (Fault::ReluEatsNan, "activation_values"),
        (Fault::WrongDerivative, "activation_derivatives"),
        (Fault::KinkFromTheRight, "activation_derivatives"),
        (Fault::LeakyForgotten, "activation_derivatives"),
        (Fault::DropsBias, "outputs"),
        (Fault::WrongInLargeBatches, "outputs"),
        (Fault::ActivatesSums, "outputs"),
        (Fault::MeanOverRowsAlone, "gradients"),
        (Fault::SumIsMean, "gradients"),
        (Fault::HalvesSquaredError, "gradients"),
        (Fault::ForgetsFirstLayer, "gradients"),
        (Fault::LeavesOutRow, "gradients"),
        (Fault::DropsFirstBias, "gradients"),
        (Fault::AddsToOldGradient, "gradients"),
        (Fault::ShortensDelta, "gradients"),
        (Fault::ForgetsLastActivation, "gradients"),
        (Fault::TransposesInputGradient, "input_gradients"),
        (Fault::StaleInputGradient, "input_gradients"),
        (Fault::SoftmaxOverflows, "extreme_logits"),
        (Fault::LogOfProbability, "extreme_logits"),
        (Fault::ClipsProbability, "extreme_logits"),
        (Fault::BinaryOverflows, "extreme_logits"),
        (Fault::StepsOnNan, "non_finite"),
        (Fault::NanLossIgnored, "non_finite"),
        (Fault::SortsLists, "batches"),
        (Fault::IgnoresRangeStart, "batches"),
        (Fault::DropsPartialBlock, "gradients"),
        (Fault::CachesBySize, "datasets"),
        (Fault::CountsFromZero, "optimizers"),
        (Fault::EpsilonInsideRoot, "optimizers"),
        (Fault::IgnoresNesterov, "optimizers"),
        (Fault::IgnoresDecay, "optimizers"),
        (Fault::CouplesDecay, "optimizers"),
        (Fault::SwapsBetas, "optimizers"),
        (Fault::KeepsFirstRate, "optimizers"),
        (Fault::StepSumsOtherwise, "steps"),
        (Fault::FreshNotZero, "round_trips"),
        (Fault::LosesNegativeZero, "round_trips"),
        (Fault::KeepsOldGradient, "round_trips"),
        (Fault::StateShortensSteps, "round_trips"),
        (Fault::OutputsLoseGradient, "round_trips"),
        (Fault::StateDropsSteps, "resume"),
        (Fault::StateDropsMoments, "resume"),
        (Fault::SumsByRun, "runs"),
        (Fault::SumsByThread, "threads"),
        (Fault::WrongKindOfError, "refused_batches"),
        (Fault::TakesPastEnd, "refused_batches"),
        (Fault::TakesAnyClass, "refused_batches"),
        (Fault::AllocatesBeforeChecking, "refused_batches"),
        (Fault::TakesAnyCoefficients, "refused_buffers"),
        (Fault::TakesAnyLayer, "refused_buffers"),
        (Fault::ConvertsParameters, "refused_buffers"),
        (Fault::TakesAnyGradient, "refused_buffers"),
        (Fault::AcceptsBadOptimizer, "refused_optimizers"),
        (Fault::AcceptsOtherMoments, "refused_optimizers"),
        (Fault::AcceptsBadPlan, "refused_plans"),
    ];
}
