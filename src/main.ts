import './bootstrap/no-debugger.js';

// Not before: the other modules take a second to load.
await import('./bootstrap/server.js');
