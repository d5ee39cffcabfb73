/** Nodes and weights of a rule on [0, 1]. */
export interface Rule { readonly nodes: readonly number[], readonly weights: readonly number[] }

/**
 * The Gauss-Legendre rule of `count` nodes, exact for polynomials up to degree 2 * count - 1: the roots of the Legendre polynomial by Newton's method from
 * cos(pi * (n + 3/4) / (count + 1/2)) (Press et al., Numerical Recipes, 4.5).
 */
export function gaussLegendre (count: number): Rule {
  const nodes: number[] = []
  const weights: number[] = []
  for (let n = 0; n < count; n++) {
    let x = Math.cos(Math.PI * (n + 0.75) / (count + 0.5))
    // From there it converges in three or four.
    for (let turn = 0; turn < 8; turn++) x -= legendre(count, x).value / slopeOf(count, x)
    const slope = slopeOf(count, x)
    nodes.push((1 - x) / 2)
    weights.push(1 / ((1 - x * x) * slope * slope))
  }
  return { nodes, weights }
}

/** The Legendre polynomial of this degree at x, and the one before it, by Bonnet's recursion. */
function legendre (degree: number, x: number): { value: number, before: number } {
  let [value, before] = [1, 0]
  for (let n = 0; n < degree; n++) [value, before] = [((2 * n + 1) * x * value - n * before) / (n + 1), value]
  return { value, before }
}

function slopeOf (degree: number, x: number): number {
  const { value, before } = legendre(degree, x)
  return degree * (x * value - before) / (x * x - 1)
}
