const sdk = '^sdk/'
const core = '^(sequencer|relayer)/core/'

/** A rule: files in `from` may not import files in `to`. */
function forbid(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to }
}

export default {
  forbidden: [
    forbid(
      'no-cycle',
      'Two files that need each other are one file, or three.',
      {},
      // A type that comes back is gone before anything runs.
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    forbid(
      'resolves',
      'An import leads to a file or an installed package.',
      {},
      { couldNotResolve: true },
    ),
    forbid(
      'protocol-stands-alone',
      'sdk/protocol is the vocabulary: it imports nothing else of ours.',
      { path: '^sdk/protocol/' },
      { path: '^(sdk/(?!protocol/)|sequencer/|relayer/|cli/|web/|examples/)' },
    ),
    forbid(
      'risk-on-protocol',
      'sdk/risk imports sdk/protocol and nothing else of ours.',
      { path: '^sdk/risk/' },
      { path: '^(sdk/(?!protocol/|risk/)|sequencer/|relayer/|cli/|web/|examples/)' },
    ),
    forbid(
      'process-on-protocol',
      'sdk/process imports sdk/protocol and nothing else of ours.',
      { path: '^sdk/process/' },
      { path: '^(sdk/(?!protocol/|process/)|sequencer/|relayer/|cli/|web/|examples/)' },
    ),
    forbid(
      'sdk-stands-alone',
      'sdk imports nothing of ours outside sdk.',
      { path: sdk },
      { path: '^(sequencer|relayer|cli|web|examples)/' },
    ),
    forbid(
      'client-is-for-integrators',
      'sdk/client runs where nothing of a server is installed.',
      { path: '^sdk/client/' },
      { path: '^sdk/process/' },
    ),
    forbid(
      'core-is-pure',
      'A core imports the vocabulary, the risk maths and its own files.',
      { path: core },
      {
        path: '^(sdk/(?!protocol/|risk/)|cli/|web/|examples/|(sequencer|relayer)/(?!core/))',
      },
    ),
    forbid(
      'pure-without-node',
      'The pure parts do no input or output.',
      { path: ['^sdk/(protocol|risk)/', core] },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'sequencer-and-relayer-apart',
      'They meet on the wire and on chain, never in an import.',
      { path: '^(sequencer|relayer)/' },
      { path: '^(sequencer|relayer)/', pathNot: '^$1/' },
    ),
    forbid(
      'shell-below-main',
      'A shell is started by a main, never the other way round.',
      { path: '^(sequencer|relayer)/', pathNot: '/main\\.ts$' },
      { path: ['^(sequencer|relayer)/main\\.ts$', '^(sequencer|relayer)/[^/]+/main\\.ts$'] },
    ),
    forbid(
      'cli-on-top',
      'Nothing of the product imports the command line.',
      { path: '^(sdk|sequencer|relayer|web|examples)/' },
      { path: '^cli/' },
    ),
    forbid(
      'no-test-in-product',
      'Test doubles stay in test.',
      { path: '^(sdk|sequencer|relayer|cli|web|examples)/' },
      { path: '^test/' },
    ),
    forbid(
      'hyperlane-sdk-apart',
      'The Hyperlane SDK is heavy: deployment and tests alone load it.',
      { pathNot: '^(cli/network/|test/)' },
      { path: 'node_modules/@hyperlane-xyz/' },
    ),
    forbid(
      'declared',
      'A package that is imported stands in package.json.',
      { pathNot: '^test/' },
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.build|\\.tandem|test/fixtures/integrator)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
