"""The npz and npy files beside this one, by NumPy itself: python make.py. What is in them, test/inspector/arrays.test.ts says again."""
import numpy as np

days = np.arange(28, dtype=np.float32).reshape(1, 7, 4) / 8
np.savez('c-order.npz', days)
np.savez_compressed('fortran.npz', days=np.asfortranarray(days))
np.save('big-endian.npy', days.astype('>f8'))
np.savez('many.npz', ids=np.array([[3, 1, 2]], dtype=np.int64), half=np.array([0.5, -2, 6e-8], dtype=np.float16), flag=np.array([[True], [False]]), bytes=np.array([255, 0], dtype=np.uint8))
np.savez('nan.npz', np.where(days == 1, np.nan, days))
np.savez('words.npz', np.array(['a']))
np.savez('whole.npz', np.array([[2 ** 60 + 1]], dtype=np.int64))
