// Rules of style.md that oxlint does not have, as one plugin for it.

const functions = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']

/** A pure core is synchronous: no async function, no await, no Promise. */
const synchronous = {
  meta: { type: 'problem' },
  create(context) {
    const report = (node, what) =>
      context.report({ node, message: `A pure core is synchronous: no ${what}.` })
    const visitFunction = (node) => {
      if (node.async) report(node, 'async function')
    }
    return {
      ...Object.fromEntries(functions.map((type) => [type, visitFunction])),
      AwaitExpression: (node) => report(node, 'await'),
      ImportExpression: (node) => report(node, 'dynamic import'),
      Identifier(node) {
        if (node.name === 'Promise') report(node, 'Promise')
      },
    }
  },
}

const exactMath = new Set([
  'abs',
  'ceil',
  'clz32',
  'floor',
  'fround',
  'imul',
  'max',
  'min',
  'round',
  'sign',
  'sqrt',
  'trunc',
  'PI',
  'E',
  'LN2',
  'LN10',
  'LOG2E',
  'LOG10E',
  'SQRT2',
  'SQRT1_2',
])

/** A number that decides is the same on every engine: only exactly specified operations. */
const exact = {
  meta: { type: 'problem' },
  create(context) {
    return {
      MemberExpression(node) {
        if (node.object.type !== 'Identifier' || node.object.name !== 'Math') return
        const name = node.computed ? node.property.value : node.property.name
        if (exactMath.has(name)) return
        const message = `Math.${name} differs between engines: use our own functions.`
        context.report({ node, message })
      },
      BinaryExpression(node) {
        if (node.operator !== '**' || isBigInt(node.left) || isBigInt(node.right)) return
        // Powers of two are exact on every engine.
        if (node.left.type === 'Literal' && node.left.value === 2) return
        const message = '`**` on numbers differs between engines: multiply, or use bigint literals.'
        context.report({ node, message })
      },
    }
  },
}

/** `10n`, or a call of `BigInt`. */
function isBigInt(node) {
  if (node.type === 'Literal') return typeof node.value === 'bigint' || node.bigint !== undefined
  return node.type === 'CallExpression' && node.callee.name === 'BigInt'
}

/** Every export of the SDK says in a docstring what it gives. */
const documented = {
  meta: { type: 'problem' },
  create(context) {
    const comments = () => context.sourceCode.getAllComments()
    return {
      ExportNamedDeclaration(node) {
        if (node.declaration === null || node.declaration === undefined) return
        if (comments().some((comment) => isDocstringOf(comment, node, context.sourceCode.text)))
          return
        const message = 'An export of the SDK has a docstring: one sentence, with the unit.'
        context.report({ node: node.declaration, message })
      },
    }
  },
}

function isDocstringOf(comment, node, text) {
  if (comment.type !== 'Block' || !comment.value.startsWith('*')) return false
  return (
    comment.range[1] <= node.range[0] && text.slice(comment.range[1], node.range[0]).trim() === ''
  )
}

export default {
  meta: { name: 'tandem' },
  rules: { synchronous, exact, documented },
}
