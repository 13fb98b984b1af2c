/** What Tandem's programs call of Hyperlane's Mailbox (core 11). */
export const mailboxAbi = [
  {
    type: 'event',
    name: 'Dispatch',
    inputs: [
      { name: 'sender', type: 'address', indexed: true },
      { name: 'destination', type: 'uint32', indexed: true },
      { name: 'recipient', type: 'bytes32', indexed: true },
      { name: 'message', type: 'bytes', indexed: false },
    ],
  },
  {
    type: 'event',
    name: 'DispatchId',
    inputs: [{ name: 'messageId', type: 'bytes32', indexed: true }],
  },
  {
    type: 'event',
    name: 'ProcessId',
    inputs: [{ name: 'messageId', type: 'bytes32', indexed: true }],
  },
  {
    type: 'function',
    name: 'localDomain',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'uint32' }],
  },
  {
    type: 'function',
    name: 'nonce',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'uint32' }],
  },
  {
    type: 'function',
    name: 'delivered',
    stateMutability: 'view',
    inputs: [{ name: 'id', type: 'bytes32' }],
    outputs: [{ name: '', type: 'bool' }],
  },
  {
    type: 'function',
    name: 'processedAt',
    stateMutability: 'view',
    inputs: [{ name: 'id', type: 'bytes32' }],
    outputs: [{ name: '', type: 'uint48' }],
  },
  {
    type: 'function',
    name: 'processor',
    stateMutability: 'view',
    inputs: [{ name: 'id', type: 'bytes32' }],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'recipientIsm',
    stateMutability: 'view',
    inputs: [{ name: 'recipient', type: 'address' }],
    outputs: [{ name: 'module', type: 'address' }],
  },
  {
    type: 'function',
    name: 'quoteDispatch',
    stateMutability: 'view',
    inputs: [
      { name: 'destinationDomain', type: 'uint32' },
      { name: 'recipientAddress', type: 'bytes32' },
      { name: 'messageBody', type: 'bytes' },
    ],
    outputs: [{ name: 'fee', type: 'uint256' }],
  },
  {
    type: 'function',
    name: 'dispatch',
    stateMutability: 'payable',
    inputs: [
      { name: 'destinationDomain', type: 'uint32' },
      { name: 'recipientAddress', type: 'bytes32' },
      { name: 'messageBody', type: 'bytes' },
    ],
    outputs: [{ name: 'messageId', type: 'bytes32' }],
  },
  {
    type: 'function',
    name: 'process',
    stateMutability: 'payable',
    inputs: [
      { name: 'metadata', type: 'bytes' },
      { name: 'message', type: 'bytes' },
    ],
    outputs: [],
  },
] as const

/** What Tandem's programs call of Hyperlane's MerkleTreeHook. */
export const merkleTreeHookAbi = [
  {
    type: 'event',
    name: 'InsertedIntoTree',
    inputs: [
      { name: 'messageId', type: 'bytes32', indexed: false },
      { name: 'index', type: 'uint32', indexed: false },
    ],
  },
  {
    type: 'function',
    name: 'count',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'uint32' }],
  },
  {
    type: 'function',
    name: 'root',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'bytes32' }],
  },
  {
    type: 'function',
    name: 'latestCheckpoint',
    stateMutability: 'view',
    inputs: [],
    outputs: [
      { name: 'root', type: 'bytes32' },
      { name: 'index', type: 'uint32' },
    ],
  },
] as const

/** What Tandem's programs call of any Hyperlane interchain security module. */
export const ismAbi = [
  {
    type: 'function',
    name: 'moduleType',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'uint8' }],
  },
  {
    type: 'function',
    name: 'route',
    stateMutability: 'view',
    inputs: [{ name: 'message', type: 'bytes' }],
    outputs: [{ name: 'module', type: 'address' }],
  },
  {
    type: 'function',
    name: 'validatorsAndThreshold',
    stateMutability: 'view',
    inputs: [{ name: 'message', type: 'bytes' }],
    outputs: [
      { name: 'validators', type: 'address[]' },
      { name: 'threshold', type: 'uint8' },
    ],
  },
  {
    type: 'function',
    name: 'modulesAndThreshold',
    stateMutability: 'view',
    inputs: [{ name: 'message', type: 'bytes' }],
    outputs: [
      { name: 'modules', type: 'address[]' },
      { name: 'threshold', type: 'uint8' },
    ],
  },
  {
    type: 'function',
    name: 'paused',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'bool' }],
  },
  {
    type: 'function',
    name: 'trustedRelayer',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
] as const

/** What Tandem's programs call of Hyperlane's ValidatorAnnounce. */
export const validatorAnnounceAbi = [
  {
    type: 'function',
    name: 'announce',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'validator', type: 'address' },
      { name: 'storageLocation', type: 'string' },
      { name: 'signature', type: 'bytes' },
    ],
    outputs: [{ name: 'accepted', type: 'bool' }],
  },
  {
    type: 'function',
    name: 'getAnnouncedStorageLocations',
    stateMutability: 'view',
    inputs: [{ name: 'validators', type: 'address[]' }],
    outputs: [{ name: 'locations', type: 'string[][]' }],
  },
  {
    type: 'function',
    name: 'getAnnouncementDigest',
    stateMutability: 'view',
    inputs: [{ name: 'storageLocation', type: 'string' }],
    outputs: [{ name: 'digest', type: 'bytes32' }],
  },
] as const
