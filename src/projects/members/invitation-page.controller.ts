import { hash } from 'node:crypto';
import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../../auth/route-access.js';

/** Where invitations lead. Without built-in accounts there are none, and the page is hidden. */
export const INVITATION_PAGE = '/invitations';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 24rem; margin: 10vh auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
label { display: block; margin: 1rem 0; }
input { display: block; box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
button { padding: .5rem 1rem; font: inherit; }
`;

/** Logs in or registers, joins, and logs out. The URLs are relative: the public base URL may have a path. */
const SCRIPT = `
const form = document.querySelector('form');
const report = document.querySelector('[role=status]');
const call = async (path, body, token) => {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: 'Bearer ' + token }) };
  const response = await fetch('api/v1/' + path, { method: 'POST', headers, body: body && JSON.stringify(body) });
  const answer = response.status === 204 ? null : await response.json();
  if (response.ok) return answer;
  const { detail } = answer;
  throw new Error(Array.isArray(detail) ? detail.map(({ loc, msg }) => loc.at(-1) + ' ' + msg).join(', ') : detail);
};
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  report.textContent = 'One moment …';
  try {
    const { email, password } = Object.fromEntries(new FormData(form));
    const { access_token: token } = await call('auth/' + event.submitter.value, { email, password });
    try {
      const { name, role } = await call('projects/invitations/accept', { token: location.hash }, token);
      report.textContent = 'You have joined ' + name + ' as ' + role + '.';
      form.remove();
    } finally {
      await call('auth/logout', undefined, token).catch(() => undefined);
    }
  } catch (error) {
    report.textContent = error.message;
  }
});
if (!location.hash) report.textContent = 'This is not the whole URL of an invitation: copy all of it.';
`;

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Join a project – Tillkeeper</title>
<style>${STYLE}</style>
<h1>Join a project</h1>
<p>You are invited to a project. Log in or register, and you are a member of it.</p>
<form>
  <label>Address <input name="email" type="email" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button name="how" value="login">Log in and join</button>
  <button name="how" value="register">Register and join</button>
</form>
<p role="status"></p>
<noscript><p>This page needs JavaScript. Without it, send the token to <code>POST /api/v1/projects/invitations/accept</code>.</p></noscript>
<script type="module">${SCRIPT}</script>
</html>
`;

const sourceOf = (text: string) => `'sha256-${hash('sha256', text, 'base64')}'`;

/** Lets the page run its own script and call this server, and nothing else. */
const POLICY = [
  "default-src 'none'",
  `style-src ${sourceOf(STYLE)}`,
  `script-src ${sourceOf(SCRIPT)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page on which people with a built-in account accept an invitation. */
@ApiExcludeController()
@Public()
@Controller('invitations')
export class InvitationPageController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  page(): string {
    return PAGE;
  }
}
