// node try-addon.cjs ADDON: multiplies two matrices through the addon's own calls, prints the TensorFlow version.
process.env.TF_CPP_MIN_LOG_LEVEL = '2'
const binding = require(process.argv[2])

const matrix = values => binding.createTensor([2, 2], binding.TF_FLOAT, new Float32Array(values))
const [product] = binding.executeOp('MatMul', [
  { name: 'transpose_a', type: binding.TF_ATTR_BOOL, value: false },
  { name: 'transpose_b', type: binding.TF_ATTR_BOOL, value: false },
  { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }
], [matrix([1, 2, 3, 4]), matrix([5, 6, 7, 8])], 1)
const values = Array.from(binding.tensorDataSync(product.id)).join()
if (values !== '19,22,43,50') throw new Error(`MatMul gave ${values}`)
console.log(binding.TF_Version)
