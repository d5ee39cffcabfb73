import { activationLayer, elu, leakyRelu, prelu, relu, softmax, thresholdedRelu } from './activations.ts'
import { additiveAttention, attention } from './attention.ts'
import { conv1D, conv2D, depthwiseConv1D, depthwiseConv2D, separableConv1D, separableConv2D } from './convolution.ts'
import { dense } from './dense.ts'
import { dot } from './dot.ts'
import { embedding } from './embedding.ts'
import { identity, trainingOnly } from './identity.ts'
import type { LayerFunction } from './layer.ts'
import { masking } from './masking.ts'
import { add, average, concatenate, maximum, minimum, multiply, subtract } from './merge.ts'
import { groupedQueryAttention, multiHeadAttention } from './multi-head.ts'
import { batchNormalization, groupNormalization, layerNormalization, rmsNormalization, unitNormalization } from './normalization.ts'
import { operations } from './operations.ts'
import {
  averagePooling1D, averagePooling2D, globalAveragePooling1D, globalAveragePooling2D, globalMaxPooling1D, globalMaxPooling2D, maxPooling1D, maxPooling2D
} from './pooling.ts'
import { cropping1D, cropping2D, upSampling1D, upSampling2D, zeroPadding1D, zeroPadding2D } from './sampling.ts'
import { normalization, rescaling } from './scaling.ts'
import { flatten, permute, repeatVector, reshape } from './shaping.ts'
import { conv1DTranspose, conv2DTranspose } from './transposed.ts'

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
  Dot: dot,

  Conv1D: conv1D,
  Conv2D: conv2D,
  Conv1DTranspose: conv1DTranspose,
  Conv2DTranspose: conv2DTranspose,
  DepthwiseConv1D: depthwiseConv1D,
  DepthwiseConv2D: depthwiseConv2D,
  SeparableConv1D: separableConv1D,
  SeparableConv2D: separableConv2D,

  MaxPooling1D: maxPooling1D,
  MaxPooling2D: maxPooling2D,
  AveragePooling1D: averagePooling1D,
  AveragePooling2D: averagePooling2D,
  GlobalMaxPooling1D: globalMaxPooling1D,
  GlobalMaxPooling2D: globalMaxPooling2D,
  GlobalAveragePooling1D: globalAveragePooling1D,
  GlobalAveragePooling2D: globalAveragePooling2D,

  UpSampling1D: upSampling1D,
  UpSampling2D: upSampling2D,
  Cropping1D: cropping1D,
  Cropping2D: cropping2D,
  ZeroPadding1D: zeroPadding1D,
  ZeroPadding2D: zeroPadding2D,

  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  UnitNormalization: unitNormalization,
  RMSNormalization: rmsNormalization,
  Normalization: normalization,
  Rescaling: rescaling,

  Attention: attention,
  AdditiveAttention: additiveAttention,
  MultiHeadAttention: multiHeadAttention,
  GroupedQueryAttention: groupedQueryAttention,

  ...Object.fromEntries(Object.entries(operations).map(([name, operation]) => [`ops.${name}`, operation]))
}))
