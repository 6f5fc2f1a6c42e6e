if (!process.env.TEST_POSTGRES_URL)
  throw new Error(
    'No PostgreSQL to test with: start the tests through `npm test` or `npm run test:postgres`.',
  );
process.env.TEST_ENGINE = 'postgres';
