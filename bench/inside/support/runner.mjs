// The other side of child.mjs: calls one function and sends back what it gives.

const [, , module, name, argument] = process.argv
const result = await (await import(module))[name](JSON.parse(argument))
process.send(result, () => process.exit())
