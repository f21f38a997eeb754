import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

const NAMES = '/^(one|own|told|kept|asked|given|made|said)$/';
/** Declarations of variables and parameters, also in patterns. */
const MEANINGLESS_NAMES = [
  'VariableDeclarator > Identifier.id',
  ':function > Identifier.params',
  'TSFunctionType > Identifier.params',
  'ObjectPattern > Property > Identifier.value',
  'ArrayPattern > Identifier.elements',
  'AssignmentPattern > Identifier.left',
  'FunctionDeclaration > Identifier.id',
].map((selector) => ({
  selector: `${selector}[name=${NAMES}]`,
  message: 'Choose a name that says what the value is.',
}));

export default tseslint.config(
  { ignores: ['dist/**', '**/*.generated.ts'] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    // What captures more variables than one can follow is an object: make it a class, or a module.
    files: ['src/**/*.ts', 'sources/**/*.ts'],
    rules: { 'max-lines-per-function': ['error', { max: 120 }] },
  },
  {
    // The rule overflows its stack on graphql's recursive types in this file (typescript-eslint 8).
    files: ['test/schema/lint.test.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    // Bare participles and numerals do not say what they name.
    rules: { 'no-restricted-syntax': ['error', ...MEANINGLESS_NAMES] },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
