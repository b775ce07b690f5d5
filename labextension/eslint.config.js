const js = require('@eslint/js');
const hooks = require('eslint-plugin-react-hooks');
const ts = require('typescript-eslint');

const long = max => [
  'error',
  { max, skipBlankLines: true, skipComments: true }
];

module.exports = ts.config(
  { ignores: ['src/wire.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      'max-lines': long(400),
      'max-lines-per-function': long(60),
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-dynamic-delete': 'off',
      'no-console': ['error', { allow: ['warn', 'error'] }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_' }
      ],
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-extraneous-class': 'off'
    }
  },
  {
    files: ['src/{views,cards}/**/*.tsx'],
    rules: { 'max-lines-per-function': long(120) }
  },
  {
    files: [
      'src/{transcript,state,blocks,invisible,format}.ts',
      'src/folds/*.ts'
    ],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            'react',
            'react-*',
            '@jupyterlab/*',
            '@lumino/*',
            './api',
            './session'
          ]
        }
      ]
    }
  },
  {
    files: ['src/__tests__/**'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off'
    }
  }
);
