import { activationLayer, elu, leakyRelu, prelu, relu, softmax, thresholdedRelu } from './activations.ts'
import { dense } from './dense.ts'
import { embedding } from './embedding.ts'
import { identity, trainingOnly } from './identity.ts'
import type { LayerFunction } from './layer.ts'
import { masking } from './masking.ts'
import { add, average, concatenate, maximum, minimum, multiply, subtract } from './merge.ts'
import { batchNormalization, groupNormalization, layerNormalization, rmsNormalization, unitNormalization } from './normalization.ts'
import { flatten, permute, repeatVector, reshape } from './shaping.ts'

/** The layers without states of their own, by class. */
export const plain: ReadonlyMap<string, LayerFunction> = new Map(Object.entries({
  Dense: dense,
  Embedding: embedding,
  Masking: masking,

  Activation: activationLayer,
  ReLU: relu,
  LeakyReLU: leakyRelu,
  PReLU: prelu,
  ELU: elu,
  ThresholdedReLU: thresholdedRelu,
  Softmax: softmax,

  Identity: identity,
  Dropout: trainingOnly,
  SpatialDropout1D: trainingOnly,
  SpatialDropout2D: trainingOnly,
  SpatialDropout3D: trainingOnly,
  AlphaDropout: trainingOnly,
  GaussianNoise: trainingOnly,
  GaussianDropout: trainingOnly,
  ActivityRegularization: trainingOnly,

  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  RepeatVector: repeatVector,

  Add: add,
  Subtract: subtract,
  Multiply: multiply,
  Average: average,
  Minimum: minimum,
  Maximum: maximum,
  Concatenate: concatenate,

  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  UnitNormalization: unitNormalization,
  RMSNormalization: rmsNormalization
}))
