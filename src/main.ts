import './bootstrap/no-debugger.js';
import './young-generation.js';

// Not before: to load the modules is what makes the young generation grow.
await import('./server.js');
