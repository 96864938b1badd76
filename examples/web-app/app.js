// Prints the configuration that this process was given, secrets hidden. Uses node's standard library only.
'use strict';

// What the shop cannot do without. A program that says so at its start fails early and clearly.
const REQUIRED = ['APP_NAME', 'APP_PORT', 'DATABASE_HOST', 'CACHE_HOST', 'AUTH_ISSUER', 'SECRETS_API_KEY'];

const missing = REQUIRED.filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`missing: ${missing.join(', ')}`);
  console.error('start the shop with escrun, as README.md shows');
  process.exit(1);
}

const GROUPS = ['STAGE', 'APP_', 'DATABASE_', 'CACHE_', 'AUTH_', 'TEAM_', 'SECRETS_'];

for (const group of GROUPS) {
  const names = Object.keys(process.env).filter((name) => name.startsWith(group));
  for (const name of names.sort()) {
    const value = group === 'SECRETS_' ? '(hidden)' : process.env[name];
    console.log(`${name.padEnd(26)} ${value}`);
  }
}

// Lists arrive as JSON.
const locales = JSON.parse(process.env.APP_LOCALES ?? '[]');
console.log(`\n${process.env.APP_NAME} would now serve ${locales.length} languages on port ${process.env.APP_PORT}`);
