import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '../shell/theme';
import '../styles/tokens.css';
import '../styles/base.css';
import { loadTexts } from '../text';
import { Connect } from './connect';

await loadTexts();
const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <Connect />
    </StrictMode>,
  );
