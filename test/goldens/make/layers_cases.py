"""The layers that stand beside recurrent ones: every option that changes a number, and where each lets a mask through.

A mask shows in its reader: a mean over the steps that count, or an LSTM, which skips the others. Keras 3 cannot open its own .h5 of a
functional model with masks, nor one with an Attention: those are .keras files.
"""
import numpy as np

from framework import INNER, LEFT, RIGHT, case

SOME = ('xxxx..', 'x.xx.x', '..xx..')
OTHER = ('x.xxxx', 'xxxx..', '.xxx.x')


def read(k, x, name):
    """A reader of the mask on [batch, step, feature]."""
    return [k.layers.GlobalAveragePooling1D(name=f'{name}_mean')(x)]


def steps(k, x, name):
    """The reader that matters here."""
    return [k.layers.LSTM(2, name=f'{name}_lstm')(x)]


def masked(k, name='x', features=3, steps=6):
    x = k.Input((steps, features), name=name)
    return x, k.layers.Masking(name=f'masked_{name}')(x)


@case('layers-dense', also='*', formats=('keras',), notes='Dense on two, three and four axes, without bias, with a mask on its way')
def dense(k):
    L = k.layers
    a, b = k.Input((4,), name='a'), k.Input((2, 3, 4), name='b')
    x, m = masked(k)
    outputs = [L.Dense(3, activation='relu', name='flat')(a), L.Dense(2, use_bias=False, name='wide')(b), *steps(k, L.Dense(2, activation='softmax', name='steps')(m), 'steps')]
    return k.Model([a, b, x], outputs), {'a': k.normal(3, 4), 'b': k.normal(3, 2, 3, 4), 'x': k.padded(SOME, 3)}


@case('layers-embedding', also='*', formats=('keras',), notes='a mask of ids joins two Embeddings; one without mask gives none')
def embedding(k):
    L = k.layers
    ids = k.Input((6,), name='ids')
    plain, masking = L.Embedding(7, 3, name='plain'), L.Embedding(7, 2, mask_zero=True, name='masking')
    p, m = plain(ids), masking(ids)
    return k.Model(ids, [*read(k, p, 'plain'), *steps(k, m, 'masking'), L.Flatten(name='flatten')(p)]), {'ids': k.tokens(SOME, 7)}


@case('layers-activations', also='*', formats=('keras',))
def activations(k):
    L = k.layers
    x = k.Input((6, 3), name='x')
    slope = 'alpha' if k.major == 2 else 'negative_slope'
    made = [L.Activation('tanh', name='tanh'), L.ReLU(name='relu'), L.ReLU(max_value=0.5, name='relu_max'),
            L.ReLU(max_value=6, negative_slope=0.1, name='relu_slope'), L.ReLU(threshold=0.3, name='relu_threshold'),
            L.ReLU(max_value=0.8, negative_slope=0.2, threshold=0.3, name='relu_all'), L.LeakyReLU(name='leaky'),
            L.LeakyReLU(**{slope: 0.1}, name='leaky_slope'), L.PReLU(name='prelu'), L.PReLU(shared_axes=[1], name='prelu_shared'),
            L.ELU(name='elu'), L.ELU(alpha=0.4, name='elu_alpha'), L.Softmax(name='softmax'), L.Softmax(axis=1, name='softmax_steps'),
            L.Softmax(axis=[1, 2], name='softmax_both')]
    if k.major == 2:
        made += [L.ThresholdedReLU(name='thresholded'), L.ThresholdedReLU(theta=0.1, name='thresholded_low')]
    values = k.normal(3, 6, 3)
    values[0, :2, 0] = 0.3, 0.1
    return k.Model(x, [layer(x) for layer in made]), {'x': values}


@case('layers-masks-kept', also='*', formats=('keras',), notes='layers that let a mask through, one after the other')
def masks_kept(k):
    L = k.layers
    x, m = masked(k)
    chain = [L.Dense(3), L.Activation('tanh'), L.ReLU(negative_slope=0.2), L.LeakyReLU(), L.PReLU(), L.ELU(), L.BatchNormalization(),
             L.LayerNormalization(), L.Dropout(0.3), L.SpatialDropout1D(0.3), L.GaussianNoise(0.1), L.GaussianDropout(0.1), L.ActivityRegularization(l2=0.1),
             L.AlphaDropout(0.1), L.UnitNormalization()]
    for layer in chain:
        m = layer(m)
    return k.Model(x, read(k, m, 'end') + steps(k, m, 'end')), {'x': k.padded(SOME, 3)}


@case('layers-masks-lost', also='*', formats=('keras',), notes='layers after which no mask is left (some of them in one Keras only)')
def masks_lost(k):
    L = k.layers
    x, m = masked(k)
    ends = {'identity': L.Identity(), 'rescaling': L.Rescaling(0.5, 0.1), 'reshape': L.Reshape((6, 3)), 'permute': L.Permute((2, 1)),
            'up': L.UpSampling1D(2), 'cropping': L.Cropping1D((1, 2)), 'padding': L.ZeroPadding1D(1), 'conv': L.Conv1D(2, 2, padding='same'),
            'pool': L.MaxPooling1D(2), 'normalization': L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5])}
    outputs = []
    for name, layer in ends.items():
        outputs += read(k, layer(m), name)
    outputs += [L.Flatten(name='flatten')(m), L.GlobalMaxPooling1D(name='max')(m)]
    return k.Model(x, outputs), {'x': k.padded(SOME, 3)}


@case('layers-mask-value', also='*', notes='-0.1 is compared as float32')
def mask_value(k):
    x = k.Input((6, 2), name='x')
    m = k.layers.Masking(mask_value=-0.1, name='masking')(x)
    return k.Model(x, read(k, m, 'masked')), {'x': k.padded(INNER, 2, -0.1)}


@case('layers-shapes', also='*')
def shapes(k):
    L = k.layers
    x, image = k.Input((6, 4), name='x'), k.Input((2, 3, 4), name='image')
    return k.Model([x, image], [
        L.Flatten(name='flatten')(x), L.Flatten(data_format='channels_first', name='flatten_first')(image), L.Reshape((3, -1), name='reshape_free')(x),
        L.Reshape((2, 3, 4), name='reshape')(x), L.Permute((2, 1), name='permute')(x), L.Permute((3, 1, 2), name='permute_image')(image),
        L.RepeatVector(3, name='repeat')(L.Flatten(name='again')(x)), L.LSTM(2, name='over_features')(L.Permute((2, 1), name='turned')(x))])


@case('layers-sampling', also='*')
def sampling(k):
    L = k.layers
    x, image = k.Input((6, 2), name='x'), k.Input((3, 4, 2), name='image')
    first = {'data_format': 'channels_first'}
    return k.Model([x, image], [
        L.UpSampling1D(3, name='up')(x), L.UpSampling2D((2, 3), name='up2')(image), L.UpSampling2D(2, **first, name='up2_first')(image),
        L.Cropping1D((0, 2), name='crop')(x), L.Cropping1D(1, name='crop_both')(x), L.Cropping2D(((1, 0), (0, 2)), name='crop2')(image),
        L.Cropping2D((1, 0), **first, name='crop2_first')(image), L.ZeroPadding1D((2, 1), name='pad')(x), L.ZeroPadding2D(((1, 0), (2, 1)), name='pad2')(image),
        L.ZeroPadding2D(1, **first, name='pad2_first')(image)])


@case('layers-conv1d', also='*', scale=0.4)
def conv1d(k):
    L = k.layers
    x = k.Input((7, 4), name='x')
    return k.Model(x, [
        L.Conv1D(3, 3, name='valid')(x), L.Conv1D(3, 3, strides=2, padding='same', activation='relu', name='same')(x),
        L.Conv1D(2, 3, padding='causal', dilation_rate=2, use_bias=False, name='causal')(x), L.Conv1D(2, 2, padding='causal', strides=2, name='causal_strides')(x),
        L.Conv1D(4, 3, groups=2, padding='same', name='groups')(x), L.Conv1D(2, 3, padding='same', dilation_rate=2, activation='tanh', name='dilated')(x)])


@case('layers-conv1d-any-length', also='*', notes='the number of steps is free')
def conv1d_free(k):
    L = k.layers
    x = k.Input((None, 3), name='x')
    y = L.MaxPooling1D(2, name='pool')(L.Conv1D(4, 3, padding='causal', activation='relu', name='conv')(x))
    return k.Model(x, L.LSTM(2, name='lstm')(y)), {'x': k.normal(2, 7, 3)}


@case('layers-conv2d', also='*', scale=0.4)
def conv2d(k):
    L = k.layers
    x = k.Input((5, 6, 4), name='x')
    return k.Model(x, [
        L.Conv2D(3, (2, 3), name='valid')(x), L.Conv2D(2, 3, strides=(2, 1), padding='same', activation='elu', name='same')(x),
        L.Conv2D(2, 2, dilation_rate=(2, 1), padding='same', use_bias=False, name='dilated')(x), L.Conv2D(4, 2, groups=2, name='groups')(x)])


@case('layers-conv-transpose', also='*', scale=0.4)
def conv_transpose(k):
    L = k.layers
    x, image = k.Input((5, 3), name='x'), k.Input((3, 4, 2), name='image')
    return k.Model([x, image], [
        L.Conv1DTranspose(2, 3, name='valid')(x), L.Conv1DTranspose(2, 4, strides=2, padding='same', activation='relu', name='same')(x),
        L.Conv1DTranspose(2, 2, strides=3, use_bias=False, name='short')(x), L.Conv1DTranspose(2, 2, strides=3, padding='same', name='short_same')(x),
        L.Conv1DTranspose(2, 5, strides=2, name='long')(x), L.Conv2DTranspose(3, (3, 2), strides=(2, 1), padding='same', name='image_same')(image),
        L.Conv2DTranspose(2, (2, 3), strides=2, name='image_valid')(image)])


@case('layers-depthwise', also='*', scale=0.4)
def depthwise(k):
    L = k.layers
    x, image = k.Input((7, 3), name='x'), k.Input((5, 6, 2), name='image')
    outputs = [
        L.DepthwiseConv1D(3, depth_multiplier=2, name='deep')(x), L.DepthwiseConv1D(2, strides=2, padding='same', use_bias=False, activation='relu', name='deep_same')(x),
        L.DepthwiseConv1D(2, dilation_rate=2, name='deep_dilated')(x), L.DepthwiseConv2D((2, 3), depth_multiplier=2, padding='same', name='deep2')(image),
        L.DepthwiseConv2D(2, strides=2, name='deep2_strides')(image), L.SeparableConv1D(4, 3, depth_multiplier=2, padding='same', name='separable')(x),
        L.SeparableConv1D(2, 2, dilation_rate=2, activation='tanh', name='separable_dilated')(x), L.SeparableConv2D(3, 2, padding='same', name='separable2')(image),
        L.SeparableConv2D(3, (3, 2), strides=2, use_bias=False, name='separable2_strides')(image)]
    if k.major == 2:
        outputs.append(L.SeparableConv1D(2, 3, padding='causal', name='separable_causal')(x))
    return k.Model([x, image], outputs)


@case('layers-pooling', also='*')
def pooling(k):
    L = k.layers
    x, image = k.Input((7, 3), name='x'), k.Input((5, 6, 2), name='image')
    first = {'data_format': 'channels_first'}
    outputs = [
        L.MaxPooling1D(3, name='max')(x), L.MaxPooling1D(3, strides=2, padding='same', name='max_same')(x), L.AveragePooling1D(2, strides=1, name='mean')(x),
        L.AveragePooling1D(3, strides=2, padding='same', name='mean_same')(x), L.MaxPooling2D((2, 3), name='max2')(image),
        L.AveragePooling2D(2, strides=(1, 2), padding='same', name='mean2')(image), L.GlobalMaxPooling1D(keepdims=True, name='gmax')(x),
        L.GlobalAveragePooling1D(name='gmean')(x), L.GlobalAveragePooling1D(keepdims=True, **first, name='gmean_first')(x),
        L.GlobalMaxPooling1D(**first, name='gmax_first')(x), L.GlobalMaxPooling2D(name='gmax2')(image), L.GlobalAveragePooling2D(keepdims=True, name='gmean2')(image),
        L.GlobalAveragePooling2D(**first, name='gmean2_first')(image)]
    return k.Model([x, image], outputs)


@case('layers-pooling-first', also='*', notes='channels_first, where TensorFlow computes it on a CPU')
def pooling_first(k):
    L = k.layers
    x, image = k.Input((3, 7), name='x'), k.Input((2, 5, 6), name='image')
    first = {'data_format': 'channels_first'}
    outputs = [L.AveragePooling1D(3, strides=2, padding='same', **first, name='mean')(x), L.MaxPooling1D(2, **first, name='max')(x)]
    if k.major == 3:
        outputs += [L.MaxPooling2D(2, **first, name='max2')(image), L.DepthwiseConv1D(3, **first, name='deep')(x),
                    L.DepthwiseConv2D(2, depth_multiplier=2, **first, name='deep2')(image), L.SeparableConv1D(2, 3, padding='same', **first, name='separable')(x),
                    L.ZeroPadding1D((1, 2), **first, name='pad')(x)]
        return k.Model([x, image], outputs)
    return k.Model(x, outputs)


@case('layers-mean-masked', also='*', formats=('keras',), notes='the mean over the steps that count')
def mean_masked(k):
    L = k.layers
    x, m = masked(k)
    return k.Model(x, [L.GlobalAveragePooling1D(name='mean')(m), L.GlobalAveragePooling1D(keepdims=True, name='mean_keep')(m), L.GlobalMaxPooling1D(name='max')(m)]), \
        {'x': k.padded(LEFT, 3)}


@case('layers-batch-normalization', also='*', notes='the fused kernel of Keras 2 knows no epsilon below 1.001e-5')
def batch_normalization(k):
    L = k.layers
    flat, x, image = k.Input((4,), name='flat'), k.Input((6, 4), name='x'), k.Input((2, 3, 4), name='image')
    tiny = {'moving_variance_initializer': 'zeros', 'epsilon': 1e-6}
    return k.Model([flat, x, image], [
        L.BatchNormalization(name='bn')(flat), L.BatchNormalization(scale=False, epsilon=0.1, name='bn_steps')(x),
        L.BatchNormalization(axis=1, center=False, name='bn_axis')(x), L.BatchNormalization(epsilon=1e-6, name='bn_image')(image),
        L.BatchNormalization(axis=1, epsilon=1e-6, name='bn_rows')(image), L.BatchNormalization(**tiny, scale=False, center=False, name='bn_zero_mean')(x)])


@case('layers-layer-normalization', also='*', formats=('keras',))
def layer_normalization(k):
    L = k.layers
    x, image = k.Input((6, 4), name='x'), k.Input((2, 3, 4), name='image')
    outputs = [
        L.LayerNormalization(name='ln')(x), L.LayerNormalization(epsilon=1e-6, name='ln_epsilon')(x), L.LayerNormalization(axis=1, name='ln_steps')(x),
        L.LayerNormalization(axis=[1, 2], scale=False, name='ln_both')(x), L.LayerNormalization(axis=[2, 3], center=False, name='ln_image')(image),
        L.LayerNormalization(axis=[1, 3], name='ln_apart')(image), L.GroupNormalization(2, name='gn')(x), L.GroupNormalization(-1, axis=1, name='gn_axis')(image),
        L.GroupNormalization(2, axis=3, scale=False, name='gn_image')(image), L.UnitNormalization(name='unit')(x), L.UnitNormalization(axis=[1, 2], name='unit_both')(x)]
    if k.major == 3:
        outputs += [L.LayerNormalization(rms_scaling=True, name='ln_rms')(x), L.RMSNormalization(name='rms')(x), L.RMSNormalization(axis=[1, 2], name='rms_both')(x)]
    values = k.normal(3, 6, 4)
    values[1, 2] = 0
    return k.Model([x, image], outputs), {'x': values, 'image': k.normal(3, 2, 3, 4)}


@case('layers-scaling', also='*', runs_before_saving=False)
def scaling(k):
    L = k.layers
    x = k.Input((6, 3), name='x')
    learned = L.Normalization(name='learned')
    learned.adapt(np.round(k.normal(5, 6, 3) * 3 + 1, 3))
    apart = L.Normalization(axis=(1, 2), name='apart')
    apart.adapt(np.round(k.normal(5, 6, 3) * 2 - 1, 3))
    whole = L.Normalization(axis=None, name='whole')
    whole.adapt(np.round(k.normal(5, 6, 3) * 2 - 1, 3))
    return k.Model(x, [
        learned(x), apart(x), whole(x), L.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 0.5, 0.0], name='given')(x),
        L.Normalization(mean=0.5, variance=4.0, name='scalar')(x), L.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 0.5, 0.25], invert=True, name='inverse')(x),
        L.Rescaling(0.1, name='scale')(x), L.Rescaling(2.0, offset=-1.0, name='offset')(x), L.Rescaling([0.1, 0.2, 0.3], offset=[1.0, 2.0, 3.0], name='each')(x)])


MERGES = ('Add', 'Subtract', 'Multiply', 'Average', 'Minimum', 'Maximum')


@case('layers-merges', also='*', notes='with inputs of other ranks and sizes')
def merges(k):
    L = k.layers
    x, y, z, v = k.Input((6, 3), name='x'), k.Input((6, 3), name='y'), k.Input((6, 1), name='z'), k.Input((3,), name='v')
    outputs = [getattr(L, name)(name=name.lower())([x, y]) for name in MERGES]
    outputs += [getattr(L, name)(name=f'{name.lower()}_many')([x, v, z, y]) for name in MERGES if name != 'Subtract']
    outputs += [L.Concatenate(name='concat')([x, y]), L.Concatenate(axis=1, name='concat_steps')([x, y, x]), L.Concatenate(axis=-1, name='concat_sizes')([x, z])]
    return k.Model([x, y, z, v], outputs)


@case('layers-merges-masked', also='*', formats=('keras',), notes='both inputs masked')
def merges_masked(k):
    L = k.layers
    (x, a), (y, b) = masked(k), masked(k, 'y')
    outputs = []
    for name in MERGES:
        outputs += read(k, getattr(L, name)(name=name.lower())([a, b]), name.lower())
    outputs += read(k, L.Concatenate(name='concat')([a, b]), 'concat') + read(k, L.Concatenate(axis=1, name='concat_steps')([a, b]), 'concat_steps')
    outputs += read(k, L.Maximum(name='three')([a, b, a]), 'three')
    return k.Model([x, y], outputs), {'x': k.padded(SOME, 3), 'y': k.padded(OTHER, 3)}


@case('layers-merges-half-masked', also='*', formats=('keras',), notes='one input masked, the other not')
def merges_half_masked(k):
    L = k.layers
    (x, a), y = masked(k), k.Input((6, 3), name='y')
    v = k.Input((3,), name='v')
    outputs = []
    for name in MERGES:
        outputs += read(k, getattr(L, name)(name=name.lower())([a, y]), name.lower())
        outputs += read(k, getattr(L, name)(name=f'{name.lower()}_second')([y, a]), f'{name.lower()}_second')
        outputs += read(k, getattr(L, name)(name=f'{name.lower()}_vector')([a, v]), f'{name.lower()}_vector')
    outputs += read(k, L.Concatenate(name='concat')([y, a]), 'concat')
    return k.Model([x, y, v], outputs), {'x': k.padded(SOME, 3), 'y': k.normal(3, 6, 3), 'v': k.normal(3, 3)}


@case('layers-concat-steps-half-masked', also='*', formats=('keras',), majors=(3,))
def concat_half(k):
    (x, a), y = masked(k), k.Input((2, 3), name='y')
    joined = k.layers.Concatenate(axis=1, name='concat')([a, y])
    return k.Model([x, y], read(k, joined, 'concat')), {'x': k.padded(SOME, 3), 'y': k.normal(3, 2, 3)}


@case('layers-dot', also='*')
def dot(k):
    L = k.layers
    x, y, v, w = k.Input((5, 3), name='x'), k.Input((4, 3), name='y'), k.Input((3,), name='v'), k.Input((5,), name='w')
    t = k.Input((3, 4), name='t')
    return k.Model([x, y, v, w, t], [
        L.Dot(axes=2, name='features')([x, y]), L.Dot(axes=(2, 1), name='other')([x, t]), L.Dot(axes=-1, normalize=True, name='cosine')([x, y]),
        L.Dot(axes=1, name='vectors')([v, L.Dense(3)(w)]), L.Dot(axes=1, normalize=True, name='cosine_vectors')([v, L.Dense(3)(w)]),
        L.Dot(axes=(1, 1), name='weighed')([w, x]), L.Dot(axes=(2, 1), name='scores')([x, v]), L.Dot(axes=(1, 2), name='turned')([v, y]), L.Dot(axes=(1, 2), name='crossed')([t, y])])


@case('layers-attention', also='*', formats=('keras',), notes='dot and concat scores, scaled or not, causal, with scores')
def attention(k):
    L = k.layers
    q, v, key = k.Input((4, 3), name='q'), k.Input((6, 3), name='v'), k.Input((6, 3), name='key')
    weighed, scores = L.Attention(name='scores')([q, v], return_attention_scores=True)
    return k.Model([q, v, key], [
        L.Attention(name='dot')([q, v]), L.Attention(use_scale=True, dropout=0.2, name='scaled')([q, v, key]), L.Attention(score_mode='concat', name='concat')([q, v, key]),
        L.Attention(score_mode='concat', use_scale=True, name='concat_scaled')([q, v]), weighed, scores, L.Attention(name='causal')([q, v], use_causal_mask=True),
        L.AdditiveAttention(name='additive')([q, v, key]), L.AdditiveAttention(use_scale=False, name='additive_plain')([q, v])])


@case('layers-attention-masked', also='*', formats=('keras',), notes='masked queries, masked values, both; a query that may hear nothing')
def attention_masked(k):
    L = k.layers
    (q, mq), (v, mv) = masked(k, 'q'), masked(k, 'v')
    outputs = []
    for name, pair, options in (('both', [mq, mv], {}), ('query', [mq, v], {}), ('value', [q, mv], {}), ('causal', [mq, mv], {'use_causal_mask': True})):
        outputs += read(k, L.Attention(use_scale=True, name=name)(pair, **options), name)
    outputs += read(k, L.AdditiveAttention(name='additive')([mq, mv]), 'additive')
    values = k.padded(OTHER, 3)
    values[1] = 0
    return k.Model([q, v], outputs), {'q': k.padded(SOME, 3), 'v': values}


@case('layers-attention-mask-given', also='*', formats=('keras',), notes='a list of masks with None in it, beside inputs that carry masks of their own')
def attention_mask_given(k):
    L = k.layers
    (q, mq), (v, mv), given = masked(k, 'q'), masked(k, 'v'), k.Input((6,), name='given', dtype='bool')
    outputs = read(k, L.Attention(name='value')([mq, v], mask=[None, given]), 'on_value') + read(k, L.AdditiveAttention(name='query')([q, mv], mask=[given, None]), 'on_query')
    values = np.array([[1, 1, 0, 1, 0, 1], [0, 1, 1, 1, 1, 0], [1, 0, 0, 0, 0, 1]], bool)
    return k.Model([q, v, given], outputs), {'q': k.padded(SOME, 3), 'v': k.padded(OTHER, 3), 'given': values}


@case('layers-multi-head', also='*', scale=0.4)
def multi_head(k):
    L = k.layers
    q, v, key = k.Input((4, 5), name='q'), k.Input((6, 3), name='v'), k.Input((6, 2), name='key')
    weighed, scores = L.MultiHeadAttention(2, 2, name='scores')(q, v, return_attention_scores=True)
    outputs = [
        L.MultiHeadAttention(2, 3, name='plain')(q, v), L.MultiHeadAttention(3, 2, value_dim=4, use_bias=False, name='sizes')(q, v, key),
        L.MultiHeadAttention(2, 2, output_shape=7, dropout=0.1, name='output')(q, v, key=key), L.MultiHeadAttention(1, 4, name='self')(q, q),
        L.MultiHeadAttention(2, 2, name='causal')(q, v, use_causal_mask=True), L.MultiHeadAttention(2, 2, attention_axes=(1,), output_shape=(2, 3), name='axes')(q, v),
        weighed, scores]
    if k.major == 3:
        outputs += [L.MultiHeadAttention(2, 2, sliding_window=2, name='window')(q, v), L.GroupQueryAttention(3, 4, 2, name='grouped')(q, q),
                    L.GroupQueryAttention(3, 2, 2, use_bias=False, name='grouped_causal')(q, q, q, use_causal_mask=True)]
    return k.Model([q, v, key], outputs)


@case('layers-multi-head-masked', also='*', formats=('keras',), scale=0.4, notes='masks of query, value and key; with dropout Keras 3 takes another way, which silences a masked query')
def multi_head_masked(k):
    L = k.layers
    (q, mq), (v, mv), (key, mk) = masked(k, 'q', 4), masked(k, 'v'), masked(k, 'key', 2)
    outputs = []
    for name, arguments, options, call in (
            ('on_value', (q, mv), {}, {}), ('on_key', (q, mv, mk), {}, {}), ('causal', (q, mv), {}, {'use_causal_mask': True}),
            ('dropout', (mq, mv), {'dropout': 0.2}, {})):
        outputs += read(k, L.MultiHeadAttention(2, 2, **options, name=name)(*arguments, **call), name)
    given = k.Input((6, 6), name='given', dtype='bool')
    outputs += read(k, L.MultiHeadAttention(2, 2, name='explicit')(q, v, attention_mask=given), 'explicit')
    values = k.padded(OTHER, 3)
    values[1] = 0
    return k.Model([q, v, key, given], outputs), {
        'q': k.padded(SOME, 4), 'v': values, 'key': k.padded(LEFT, 2), 'given': k.rng.random((3, 6, 6)) < 0.6}


@case('layers-time-distributed', also='*', notes='plain layers on every outer step')
def time_distributed(k):
    L = k.layers
    x = k.Input((4, 6, 3), name='x')
    inner = {'dense': L.Dense(2, activation='relu', name='inner_dense'), 'conv': L.Conv1D(2, 3, padding='causal', name='inner_conv'),
             'pool': L.MaxPooling1D(2, name='inner_pool'), 'mean': L.GlobalAveragePooling1D(name='inner_mean'), 'flatten': L.Flatten(name='inner_flatten'),
             'bn': L.BatchNormalization(name='inner_bn'), 'repeat': L.Permute((2, 1), name='inner_permute')}
    outputs = [L.TimeDistributed(layer, name=name)(x) for name, layer in inner.items()]
    return k.Model(x, outputs + [L.LSTM(2, name='lstm')(outputs[4])]), {'x': k.normal(2, 4, 6, 3)}


@case('layers-operations', also='*', formats=('keras',), majors=(3,), notes='arithmetic between layers, which Keras 3 writes as nodes')
def operations(k):
    ops = k.keras.ops
    x, v = k.Input((6, 3), name='x'), k.Input((3,), name='v')
    scores = ops.softmax(ops.sum(x * v[:, None, :], axis=-1, keepdims=True), axis=1)
    return k.Model([x, v], [
        k.layers.Dense(2, name='context')(ops.sum(scores * x, axis=1)), x[:, -1], x[:, 1:-2, :], x[..., 0], x[:, 2:], 1 - x, x / 2 + v[:, None], -x, ops.abs(x) ** 2,
        ops.mean(x, axis=[1, 2], keepdims=True), ops.max(x, axis=1), ops.transpose(x, (0, 2, 1)), ops.reshape(x, (-1, 9, 2)), ops.concatenate([x, x * 2], axis=-1),
        ops.stack([v, v + 1], axis=1), ops.tanh(x), ops.sigmoid(x), ops.relu(x), ops.silu(x), ops.softplus(x), ops.exp(x), ops.expand_dims(v, 1),
        ops.squeeze(ops.expand_dims(v, 1), axis=1), ops.where(ops.logical_and(x > 0.1, ops.logical_not(x >= 1)), x, 0.5), ops.flip(x, axis=1),
        ops.maximum(x, 0.25), ops.minimum(x, v[:, None]), ops.clip(x, -0.5, 0.5), ops.repeat(x, 2, axis=1), ops.matmul(x, ops.transpose(x, (0, 2, 1))),
        ops.log(ops.square(x) + 1), ops.sqrt(ops.abs(x)), ops.cast(x < v[:, None], 'float32'), ops.ones_like(x) - ops.zeros_like(x)])


@case('layers-transformer', also='*', formats=('keras',), scale=0.4, notes="Keras 3's MultiHeadAttention takes the masks off the tensors it was given")
def transformer(k):
    L = k.layers
    ids = k.Input((6,), name='ids')
    x = L.Embedding(8, 4, mask_zero=True, name='embedding')(ids)
    for n in range(2):
        a = L.MultiHeadAttention(2, 2, name=f'attention_{n}')(x, x)
        x = L.LayerNormalization(name=f'norm_{n}')(L.Add(name=f'add_{n}')([x, a]))
    return k.Model(ids, read(k, x, 'end') + [L.GlobalMaxPooling1D(name='max')(x)]), {'ids': k.tokens(RIGHT, 8)}


@case('layers-parallel-heads', also='*', formats=('keras',), scale=0.4, notes='two attentions over one masked tensor: in Keras 3 the second finds no mask on its query')
def parallel_heads(k):
    L = k.layers
    x, m = masked(k, features=4)
    heads = [L.MultiHeadAttention(2, 2, name=f'attention_{n}')(m, m) for n in range(2)]
    return k.Model(x, heads + [L.Multiply(name='multiply')([m, heads[1]])]), {'x': k.padded(SOME, 4)}


@case('layers-softmax-masked', also='*', notes='Softmax with a mask given by name')
def softmax_masked(k):
    L = k.layers
    x, given = k.Input((5,), name='x'), k.Input((5,), name='given', dtype='bool')
    values = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    return k.Model([x, given], L.Softmax(name='softmax')(x, mask=given)), {'x': k.normal(3, 5), 'given': values}
