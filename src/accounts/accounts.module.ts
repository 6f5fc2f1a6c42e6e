import { Module } from '@nestjs/common';
import { HistoryModule } from '../history/history.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { AccountStandingsModule } from './account-standings.js';
import { AccountsController } from './accounts.controller.js';
import { AccountsRepository } from './accounts.repository.js';
import { AccountsService } from './accounts.service.js';
import { MailModule } from '../mail/mailer.js';
import { ProjectsModule } from '../projects/projects.module.js';
import { FailedAttempts } from './attempts/failed-attempts.js';
import { FailedLoginsRepository } from './attempts/failed-logins.repository.js';
import { PasswordResetsService } from './passwords/password-resets.service.js';
import { Passwords } from './passwords/passwords.js';
import { PasswordsController } from './passwords/passwords.controller.js';
import { RegistrationGuard } from './accounts.controller.js';
import { BrowserSessionController } from './sessions/browser-session.controller.js';
import { OwnPageGuard, SessionCookie } from './sessions/session-cookie.js';
import { IdentityProvider } from './oidc/identity-provider.js';
import { OidcSignInService } from './oidc/oidc-sign-in.service.js';
import { OidcController, OidcGuard } from './oidc/oidc.controller.js';
import { SignInLinkController, SignInLinks } from './sessions/sign-in-links.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SessionsRepository } from './sessions/sessions.repository.js';
import { SessionsService } from './sessions/sessions.service.js';

@Module({
  imports: [HistoryModule, AuthModule, AccountStandingsModule, MailModule, ProjectsModule],
  controllers: [
    AccountsController,
    SessionsController,
    PasswordsController,
    BrowserSessionController,
    OidcController,
    SignInLinkController,
  ],
  providers: [
    AccountsService,
    AccountsRepository,
    SessionsService,
    SessionsRepository,
    Passwords,
    FailedAttempts,
    FailedLoginsRepository,
    PasswordResetsService,
    RegistrationGuard,
    SessionCookie,
    OwnPageGuard,
    SignInLinks,
    IdentityProvider,
    OidcSignInService,
    OidcGuard,
  ],
  exports: [AccountsService, PasswordResetsService, MailModule],
})
export class AccountsModule {}
