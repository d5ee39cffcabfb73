"""What a file of cases needs: the registry, the kit handed to each case, and inputs with padding.

A `*_cases.py` file beside this one is found by itself; it holds functions like

    @case('lstm-last', notes='why this model is interesting')
    def lstm_last(k):
        x = k.Input((6, 3), name='x')
        return k.Model(x, k.layers.LSTM(4, name='lstm')(x))

A case returns the model, or (model, inputs) where the inputs are arrays by input name; without them they are drawn.
"""
from dataclasses import dataclass
from types import SimpleNamespace
import zlib

import numpy as np

CASES = []
FORMATS = ('h5', 'keras')
# A functional model of Keras 3 carries its masks as operations in the file, and Keras 3.15 cannot load those from .h5.
MASKED = {3: ('keras',)}
MASKED_BOTH = {2: FORMATS, 3: ('keras',)}


@dataclass
class Case:
    """One model to build; `formats` None means one format, taken by turns from the case's name."""

    name: str
    build: object
    notes: str = ''
    majors: tuple = (2, 3)
    formats: tuple | dict | None = None  # a dict is by major
    scale: float = 0.5           # standard deviation of the kernels
    batch: int = 3
    policy: str = 'float32'
    half: str | None = None      # the policy it is built and saved under; the golden is read under float32, with the same weights
    half_atol: float = 1e-2
    runs_before_saving: bool = True
    load: object = None          # a function (keras, path) -> model where load_model cannot run the file's own classes
    unloadable: tuple = ()       # formats this Keras writes but cannot load: the golden is that of the model before saving
    also: tuple | str = ()       # other layers whose `output` goes into the case; '*' for all
    atol: float = 1e-5

    def formats_for(self, major):
        chosen = self.formats.get(major) if isinstance(self.formats, dict) else self.formats
        if chosen:
            return chosen
        return (FORMATS[(zlib.crc32(self.name.encode()) + major) % 2],)


def case(name, **options):
    """Registers the decorated function as the builder of the case `name`."""
    def register(build):
        add(name, build, **options)
        return build
    return register


def add(name, build, **options):
    """Registers one case; for cases made in a loop."""
    if any(c.name == name for c in CASES):
        raise ValueError(f'two cases are named {name}')
    CASES.append(Case(name, build, **options))


def seed_of(text):
    return zlib.crc32(text.encode())


class Kit(SimpleNamespace):
    """Keras as a case sees it (`layers`, `Input`, `Model`, `Sequential`, `keras`, `major`) and the drawing of inputs."""

    def __init__(self, keras, major, name):
        super().__init__(
            keras=keras, major=major, layers=keras.layers, Input=keras.Input, Model=keras.Model,
            Sequential=keras.Sequential, rng=np.random.default_rng(seed_of(name)))

    def fixed_input(self, batch_shape, **options):
        """An Input whose batch size is part of the model, as stateful layers ask."""
        return self.keras.Input(batch_shape=batch_shape, **options)

    def normal(self, *shape):
        """Three decimals, so that the same numbers are float32, float64 and short JSON."""
        return np.round(self.rng.normal(size=shape), 3)

    def padded(self, rows, features, value=0.0):
        """Normal numbers [batch, step, feature] where a row such as '..xxx.x' is `value` at its dots."""
        x = self.normal(len(rows), len(rows[0]), features)
        x[np.array([[c == '.' for c in row] for row in rows])] = value
        return x

    def tokens(self, rows, vocabulary):
        """Whole numbers 1..vocabulary-1 [batch, step], 0 at the dots."""
        ids = self.rng.integers(1, vocabulary, size=(len(rows), len(rows[0])))
        return ids * np.array([[c != '.' for c in row] for row in rows])


RIGHT = ('xxxx..', 'xxxxxx', 'xx....')
LEFT = ('..xxxx', 'xxxxxx', '....xx')
INNER = ('x.xx.x', '.x.xx.', 'xxxxxx')
ANY = ('xxx...', '...xxx', '.x..xx', '......')


def branches(outputs):
    """The outputs of a model with one branch a name, layers that return several laid flat."""
    return [t for made in outputs.values() for t in (made if isinstance(made, (list, tuple)) else [made])]
