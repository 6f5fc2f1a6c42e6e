// Made by scripts/api-types.mjs.
export interface paths {
    "/api/v1/projects/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List your projects
         * @description The projects in which you have a role, with the role, newest first. Operators have one in all.
         */
        get: operations["listProjects"];
        put?: never;
        /**
         * Create a project
         * @description Makes a project that belongs to the calling developer.
         */
        post: operations["createProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make an account
         * @description For a developer, who is logged in with it at once. An operator may have closed registration (`AUTH_REGISTRATION`).
         */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in
         * @description Begins a session. The form is for OAuth 2 clients, such as the Authorize button of `/docs`.
         */
        post: operations["logIn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Go on with a session
         * @description Exchanges the refresh token for new tokens. One that was exchanged before ends the session, for whoever has it.
         */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get your account
         * @description The account that the access token was made for.
         */
        get: operations["getMe"];
        put?: never;
        post?: never;
        /**
         * Delete your account
         * @description Erases address and name, and ends all sessions. The history of projects keeps the id. Transfer or delete your projects first.
         */
        delete: operations["deleteMe"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Ends the session of the access token: its access tokens, in every process within two seconds, and its refresh token.
         */
        post: operations["logOut"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List your sessions
         * @description Every login of your account that goes on, the newest first.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /**
         * End all your sessions
         * @description Logs out everywhere, here too.
         */
        delete: operations["endAllSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a session
         * @description One session of your account.
         */
        get: operations["getSession"];
        put?: never;
        post?: never;
        /**
         * End a session
         * @description Logs out elsewhere, or here. The access tokens of the session end within two seconds.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/change-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change your password
         * @description Ends all other sessions of the account. The session of the access token goes on.
         */
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/password-reset-request": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a reset token
         * @description Mails a reset token to the address, at most three within an hour. The answer is the same whether there is an account with the address or not.
         */
        post: operations["requestPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/password-reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Set a new password with a reset token
         * @description Uses the token up, and ends all sessions of the account.
         */
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a project
         * @description One project in which you have a role. Needs the permission `project:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["getProject"];
        /**
         * Update a project
         * @description Changes the name, the description or both. Needs the permission `project:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        put: operations["updateProject"];
        post?: never;
        /**
         * Delete a project
         * @description Hides the project for good and destroys its Stripe credentials. Needs the permission `project:delete`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        delete: operations["deleteProject"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the members
         * @description The owner and all other members of the project, with their roles. Needs the permission `members:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["listMembers"];
        put?: never;
        /**
         * Add a member, or invite one
         * @description With `subject`, the person is a member at once. With `email`, the answer is an invitation for seven days, whose `invite_url` you hand on. Where the operator set up mail, the address gets it by mail, too. Needs the permission `members:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        post: operations["addMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/members/{subject}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change the role of a member
         * @description The new role counts from the next request on. Needs the permission `members:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        put: operations["updateMember"];
        post?: never;
        /**
         * Remove a member, or leave
         * @description Ends the person’s role in the project at once. Every member but the owner may leave. Needs the permission `members:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        delete: operations["removeMember"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/transfer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make another member the owner
         * @description The former owner becomes an admin. A project always has exactly one owner. Needs the permission `project:transfer`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        post: operations["transferProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the open invitations
         * @description Those that nobody used yet, without their tokens. Needs the permission `members:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        get: operations["listInvitations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/invitations/{invitation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Withdraw an invitation
         * @description Its URL lets nobody join any more. Needs the permission `members:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        delete: operations["withdrawInvitation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Join a project
         * @description Makes you a member of the project to which the token invites. A token works once.
         */
        post: operations["acceptInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/end-user-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a token for an end user
         * @description For a project whose users have no authorization server of their own: your server, which knows who they are, asks for a token and hands it to them. It opens the end user’s operations of this project, as this user, and nothing else. Needs the permission `end-user-tokens:create`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["createEndUserToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/service-accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the service accounts of a project
         * @description Expired ones too. No key is shown. Needs the permission `service-accounts:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        get: operations["listServiceAccounts"];
        put?: never;
        /**
         * Make a service account
         * @description For a machine that acts in this project. The answer shows its key, this once. Needs the permission `service-accounts:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        post: operations["createServiceAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/service-accounts/{service_account_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new key for a service account
         * @description The former keys stay valid for a grace period, by default a day. Needs the permission `service-accounts:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        post: operations["rotateServiceAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/service-accounts/{service_account_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a service account
         * @description Its keys are refused by every process within two seconds. Needs the permission `service-accounts:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        delete: operations["revokeServiceAccount"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the projects of all tenants
         * @description Newest first, or in the order of names with `q`. Filters can be combined. For operators: people, and service accounts of the operator with the role `viewer` or `admin`.
         */
        get: operations["listAllProjects"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/projects/{project_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Make a project under an id of your own
         * @description For a platform that has ids and owners already. Safe to repeat: the project is there afterwards, under this name. For operators: people, and service accounts of the operator with the role `admin`.
         */
        put: operations["provisionProject"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/projects/{project_id}/transfer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a project to another owner
         * @description To anybody, also without a role in the project: for a project whose owner has left. The former owner becomes an admin. For operators: people, and service accounts of the operator with the role `admin`.
         */
        post: operations["transferAnyProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/service-accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the service accounts of the operator
         * @description Expired ones too. No key is shown. For operators: people, and service accounts of the operator with the role `viewer` or `admin`.
         */
        get: operations["listOperatorServiceAccounts"];
        put?: never;
        /**
         * Make a service account of the operator
         * @description For the platform’s own backend. The answer shows its key, this once. The command line makes one, too. For operators who are people: a service account makes and ends no keys.
         */
        post: operations["createOperatorServiceAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/service-accounts/{service_account_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new key for a service account of the operator
         * @description The former keys stay valid for a grace period, by default a day. For operators who are people: a service account makes and ends no keys.
         */
        post: operations["rotateOperatorServiceAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/service-accounts/{service_account_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a service account of the operator
         * @description Its keys are refused by every process within two seconds. For operators who are people: a service account makes and ends no keys.
         */
        delete: operations["revokeOperatorServiceAccount"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Is the process alive?
         * @description Answers as long as the process can; looks at nothing else.
         */
        get: operations["getLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Can the process serve?
         * @description Yes once the database is reached and migrated, until the process is told to stop.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the Stripe credentials, masked
         * @description The configuration, or `null` when the project never had one. Needs the permission `config:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["getStripeConfig"];
        /**
         * Create or update the Stripe credentials
         * @description Stores the given credentials, sealed. All of them are stored or, when one is wrong, none. The answer shows them masked. Needs the permission `config:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        put: operations["saveStripeConfig"];
        post?: never;
        /**
         * Destroy all Stripe credentials
         * @description The credentials are destroyed for good; the configuration stays, inactive, and so do subscriptions and payments. Needs the permission `config:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        delete: operations["deleteStripeConfig"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/config/{mode}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Destroy the Stripe credentials of one mode
         * @description The other mode stays as it is. Needs the permission `config:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        delete: operations["deleteStripeCredentialsOfMode"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/webhook-urls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the project's webhook URLs
         * @description The URLs to register as webhook endpoints in Stripe's dashboard, one for each mode. Needs the permission `config:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["getStripeWebhookUrls"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/config/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List who changed what
         * @description Every change of the credentials, the webhook endpoints and the project, and every validation, the newest first: who, when, from where. Nothing of it can be changed later without being found out. Needs the permission `history:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["listStripeConfigHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/validate-credentials": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask Stripe about a secret key
         * @description Tells whether Stripe accepts the key for all that is needed. The key is not stored. Needs the permission `config:validate`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["validateStripeCredentials"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a project's subscriptions
         * @description One page of the subscriptions in test mode or in live mode, the newest first. Needs the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["listProjectSubscriptions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/payments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a project's payments
         * @description One page of the payments in test mode or in live mode, the newest first. Needs the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["listProjectPayments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the subscriptions of all your projects
         * @description One page over all projects in which you have a role, the newest first. Another project has none.
         */
        get: operations["listSubscriptions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/transactions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the payments of all your projects
         * @description One page over all projects in which you have a role, the newest first. Another project has none.
         */
        get: operations["listTransactions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List your projects and what is configured of them
         * @description The projects in which you have a role, the newest first.
         */
        get: operations["listPaymentProjects"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show statistics of all your projects
         * @description How many projects, subscriptions and payments there are, and what they brought in: in both modes, or in live mode alone.
         */
        get: operations["getPaymentStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stats/series": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show statistics of all your projects over time
         * @description Gross and net revenue, refunds and active subscriptions by day, week or month and by currency. A payment counts when it was made, a refund when it was refunded, and a lost dispute when it was opened. A project in which you have no role counts nothing.
         */
        get: operations["getPaymentStatsSeries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/stats/series": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a project's statistics over time
         * @description Gross and net revenue, refunds and active subscriptions by day, week or month and by currency. A payment counts when it was made, a refund when it was refunded, and a lost dispute when it was opened. Needs the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["getProjectStatsSeries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/checkout-session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start a checkout
         * @description Makes a page of Stripe's on which the calling user pays.
         */
        post: operations["createCheckoutSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/customer-portal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Open the customer portal
         * @description Makes a page of Stripe's on which the calling user looks after cards, invoices and subscriptions.
         */
        post: operations["openCustomerPortal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/my-subscription": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the user's subscription
         * @description Of several the one that is paid for, else the newest; `null` for a user who never had one.
         */
        get: operations["getMySubscription"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/cancel-subscription": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel the user's subscription
         * @description With the end of the period that is paid for, or at once. Cancelling it again changes nothing.
         */
        post: operations["cancelMySubscription"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/update-subscription": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change the plan
         * @description Puts the user's subscription on another price. Its quantity and its other items stay.
         */
        post: operations["updateMySubscription"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/my-payments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the user's payments
         * @description One page of what the calling user paid, or tried to pay, the newest first.
         */
        get: operations["listMyPayments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/gateway-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the gateway keys of a project
         * @description Expired and paused ones too. No key is shown. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        get: operations["listGatewayKeys"];
        put?: never;
        /**
         * Make a gateway key
         * @description A Stripe SDK uses it at the gateway in place of the stored secret key. The answer shows it, this once. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["createGatewayKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/gateway-keys/{gateway_key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a gateway key
         * @description Every process refuses it within two seconds. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        delete: operations["revokeGatewayKey"];
        options?: never;
        head?: never;
        /**
         * Change or pause a gateway key
         * @description Every process applies the change within two seconds. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        patch: operations["updateGatewayKey"];
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/gateway-keys/{gateway_key_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new key in place of a gateway key
         * @description The former ones stay valid for a grace period, by default a day. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["rotateGatewayKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/webhook-endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make the webhook endpoint at Stripe
         * @description Makes the endpoint with the project's own key and stores its signing secret. An endpoint that is there already, with its secret stored, is updated in place; one without is replaced. Needs the permission `endpoints:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["createStripeWebhookEndpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/webhook-endpoints/{mode}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove the webhook endpoint at Stripe
         * @description Removes only what was made here, and its stored signing secret. An endpoint in another account than that of the stored key is out of reach: it is only forgotten here. Needs the permission `endpoints:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        delete: operations["deleteStripeWebhookEndpoint"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/config/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show whether the stored credentials work
         * @description What Stripe last said of the stored keys, and the state of the webhooks, for each mode. Needs the permission `config:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["getStripeConfigStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/webhooks/{project_id}/{mode}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Receive an event from Stripe
         * @description For Stripe, which proves itself by `Stripe-Signature` over the bytes of the body: one `v1` has to be of the project's webhook secret for this mode. Answers 200 once the event's effect is stored; anything else makes Stripe send it again.
         */
        post: operations["receiveStripeEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/webhook-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the events that arrived
         * @description Stripe's events, the newest first, with what became of each; and how many deliveries were refused, and why. Needs the permission `events:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["listStripeEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/webhook-events/{event_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Handle an event once more
         * @description As if Stripe had sent it again, also when it was applied before: what it would change twice, it does not. It needs the payload, which is kept for a while. Needs the permission `events:replay`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["replayStripeEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/reconcile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Catch up on missed events
         * @description Reads Stripe's own list of events and applies those that never arrived, then compares every subscription with Stripe's and repairs what differs. What takes longer than 20 seconds is cut short: send the same request again. Needs the permission `events:reconcile`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["reconcileWithStripe"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What another service would have made along with the account. */
        ProvisioningData: {
            /**
             * @description A first project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id?: string | null;
            /**
             * @description A key of that project.
             * @example none
             */
            api_key?: string | null;
            /**
             * @description A key of the developer.
             * @example none
             */
            developer_key?: string | null;
        };
        /** @description Who logs in, as OAuth 2 has it (RFC 6749, section 4.3.2). */
        LoginForm: {
            /**
             * @description Always `password`.
             * @example password
             * @enum {string}
             */
            grant_type?: "password";
            /**
             * @description The e-mail address of the account.
             * @example ada@example.com
             */
            username: string;
            /**
             * @description Its password.
             * @example correct horse battery staple
             */
            password: string;
        };
        /** @description A new account. */
        UserCreateRequest: {
            /**
             * Format: email
             * @description Whose it is. Upper and lower case make no difference.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description Any text from 8 to 1,000 characters.
             * @example correct horse battery staple
             */
            password: string;
            /**
             * @description What to call them, at most 255 characters.
             * @example Ada Lovelace
             */
            full_name?: string | null;
        };
        /** @description The new account, logged in. */
        RegistrationResponse: {
            /**
             * Format: uuid
             * @description The account's id: the `sub` of its access tokens, and so the owner of its projects.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description Its address, in lower case.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description What to call them.
             * @example Ada Lovelace
             */
            full_name?: string | null;
            /**
             * @description Always `developer`.
             * @example developer
             */
            role: string;
            /**
             * @description Always `true`: a revoked account is not shown.
             * @example true
             */
            is_active: boolean;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Always `null`: a developer is in no project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id?: string | null;
            /**
             * @description Always `null`: nothing is made along with an account. Make a project with `POST /api/v1/projects/`.
             * @example null
             */
            provisioning?: components["schemas"]["ProvisioningData"] | null;
            /**
             * @description Good for 30 minutes.
             * @example eyJhbGciOiJIUzI1NiJ9.e30.c2ln
             */
            access_token?: string | null;
            /**
             * @description Good once, for 7 days.
             * @example tkrt_6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            refresh_token?: string | null;
            /**
             * @description Always `bearer`.
             * @default bearer
             * @example bearer
             */
            token_type?: string | null;
            /**
             * @description For how many seconds the access token is good.
             * @example 1800
             */
            expires_in: number;
        };
        /** @description What went wrong, in one sentence. */
        ErrorResponse: {
            /**
             * @description What went wrong, and what to do about it.
             * @example There is no project with this id.
             */
            detail: string;
        };
        /** @description One thing that is wrong with the request. */
        ValidationError: {
            /**
             * @description Where: `body`, `path`, `query` or `header`, then the name.
             * @example [
             *       "body",
             *       "test_secret_key"
             *     ]
             */
            loc: (string | number)[];
            /**
             * @description What to do about it. Never repeats the value.
             * @example must start with sk_test_; this looks like a live secret key
             */
            msg: string;
            /**
             * @description A stable name for the kind of problem.
             * @example value_error
             */
            type: string;
        };
        /** @description Everything that is wrong with the request, at once. */
        HTTPValidationError: {
            /** @description One entry for each problem. */
            detail?: components["schemas"]["ValidationError"][];
        };
        /** @description Who logs in. */
        UserLoginRequest: {
            /**
             * Format: email
             * @description The address of the account.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description Its password.
             * @example correct horse battery staple
             */
            password: string;
        };
        /** @description Tokens of one session. */
        TokenResponse: {
            /**
             * @description To be sent as `Authorization: Bearer <token>`, good for 30 minutes.
             * @example eyJhbGciOiJIUzI1NiJ9.e30.c2ln
             */
            access_token: string;
            /**
             * @description For `POST /api/v1/auth/refresh`: good once, for 7 days.
             * @example tkrt_6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            refresh_token?: string | null;
            /**
             * @description Always `bearer`.
             * @example bearer
             */
            token_type: string;
            /**
             * @description For how many seconds the access token is good.
             * @example 1800
             */
            expires_in: number;
        };
        /** @description Which session goes on. */
        RefreshRequest: {
            /**
             * @description The last refresh token. It is good once.
             * @example tkrt_6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            refresh_token: string;
        };
        /** @description An account. */
        UserResponse: {
            /**
             * Format: uuid
             * @description The account's id: the `sub` of its access tokens, and so the owner of its projects.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description Its address, in lower case.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description What to call them.
             * @example Ada Lovelace
             */
            full_name?: string | null;
            /**
             * @description Always `developer`.
             * @example developer
             */
            role: string;
            /**
             * @description Always `true`: a revoked account is not shown.
             * @example true
             */
            is_active: boolean;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Always `null`: a developer is in no project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id?: string | null;
        };
        /** @description A login that goes on. */
        Session: {
            /**
             * Format: uuid
             * @description The session's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description Whether the access token of this request belongs to it.
             * @example true
             */
            is_current: boolean;
            /**
             * Format: date-time
             * @description The time of the login.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description The time of the last refresh, or of the login.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string;
            /**
             * Format: date-time
             * @description When it ends, unless it is refreshed before.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /**
             * @description The address that logged in.
             * @example 192.0.2.7
             */
            ip: string | null;
            /**
             * @description The client that logged in.
             * @example curl/8.5.0
             */
            user_agent: string | null;
        };
        /** @description One page of the sessions, the newest first. */
        SessionList: {
            /** @description The sessions. */
            sessions: components["schemas"]["Session"][];
            /**
             * @description How many sessions there are.
             * @example 1
             */
            total: number;
            /**
             * @description Which page this is.
             * @example 1
             */
            page: number;
            /**
             * @description How many sessions a page has.
             * @example 50
             */
            page_size: number;
        };
        /** @description The password of an account, and the next one. */
        ChangePasswordRequest: {
            /**
             * @description The password until now.
             * @example correct horse battery staple
             */
            current_password: string;
            /**
             * @description Any text from 8 to 1,000 characters.
             * @example a new horse, another staple
             */
            new_password: string;
        };
        /** @description Who forgot a password. */
        PasswordResetMailRequest: {
            /**
             * Format: email
             * @description The address of the account.
             * @example ada@example.com
             */
            email: string;
        };
        /** @description What happens next. */
        PasswordResetMailResponse: {
            /**
             * @description What happens next, or whom to ask where no mail is sent.
             * @example If there is an account with this address, a mail with a reset token is on its way to it.
             */
            message: string;
        };
        /** @description A reset token, and the next password. */
        PasswordResetRequest: {
            /**
             * @description The reset token. It is good once.
             * @example tkp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            token: string;
            /**
             * @description Any text from 8 to 1,000 characters.
             * @example a new horse, another staple
             */
            new_password: string;
        };
        /** @description A project. */
        ProjectResponse: {
            /**
             * Format: uuid
             * @description The project's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description What people call it.
             * @example Corner shop
             */
            name: string;
            /**
             * @description What it is.
             * @example Sells bread by subscription
             */
            description: string | null;
            /**
             * @description Always `true`: a deleted project is not shown.
             * @example true
             */
            is_active: boolean;
            /**
             * @description Your role in it.
             * @example owner
             * @enum {string}
             */
            role: "viewer" | "admin" | "owner";
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description When its name or description last changed.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string | null;
        };
        /** @description A new project. */
        ProjectCreateRequest: {
            /**
             * @description What people call it.
             * @example Corner shop
             */
            name: string;
            /**
             * @description What it is, in a few words.
             * @example Sells bread by subscription
             */
            description?: string | null;
        };
        /** @description The new project. */
        ProjectCreatedResponse: {
            /**
             * Format: uuid
             * @description The project's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
        };
        /** @description What to change. A field that is absent or `null` keeps its value; an empty description clears it. */
        ProjectUpdateRequest: {
            /**
             * @description What people call it.
             * @example Corner shop
             */
            name?: string | null;
            /**
             * @description What it is, in a few words.
             * @example Sells bread by subscription
             */
            description?: string | null;
        };
        /** @description Somebody with a role in the project. */
        MemberResponse: {
            /**
             * @description The `sub` of the person’s access tokens.
             * @example 8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38
             */
            subject: string;
            /**
             * @description What the person may do.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin" | "owner";
            /**
             * @description When the person joined; `null` for the owner.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string | null;
        };
        /** @description A new invitation. */
        InvitationCreatedResponse: {
            /**
             * Format: uuid
             * @description Its id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * Format: email
             * @description Who was invited.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description What the person may do once joined.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends, unused.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /**
             * @description A page on which one person joins, once. It is shown this once: hand it on to the person. What follows `#` is the token for `invitations/accept`.
             * @example https://tillkeeper.example.com/invitations#tki_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa000000
             */
            invite_url: string;
        };
        /** @description The members of a project. */
        MemberListResponse: {
            /** @description The owner, then those who joined first. */
            members: components["schemas"]["MemberResponse"][];
        };
        /** @description Who joins the project: `subject`, or `email` for an invitation. */
        MemberCreateRequest: {
            /**
             * @description The `sub` of the person’s access tokens. With built-in accounts, `id` of `/auth/me`.
             * @example 8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38
             */
            subject?: string;
            /**
             * Format: email
             * @description An address to invite, with built-in accounts. It proves nothing: whoever signs in and presents the token joins.
             * @example ada@example.com
             */
            email?: string;
            /**
             * @description What the person may do.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
        };
        /** @description A new role for a member. */
        MemberUpdateRequest: {
            /**
             * @description What the member may do from now on.
             * @example viewer
             * @enum {string}
             */
            role: "viewer" | "admin";
        };
        /** @description Who owns the project from now on. */
        ProjectTransferRequest: {
            /**
             * @description The `subject` of a member.
             * @example 8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38
             */
            subject: string;
        };
        /** @description An open invitation. */
        InvitationResponse: {
            /**
             * Format: uuid
             * @description Its id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * Format: email
             * @description Who was invited.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description What the person may do once joined.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends, unused.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
        };
        /** @description The open invitations of a project, the oldest first. */
        InvitationListResponse: {
            /** @description The invitations. */
            invitations: components["schemas"]["InvitationResponse"][];
        };
        /** @description The token of an invitation. */
        InvitationAcceptRequest: {
            /**
             * @description What follows `#` in the `invite_url`, or all of it.
             * @example tki_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa000000
             */
            token: string;
        };
        /** @description For whom a token is wanted. */
        EndUserTokenRequest: {
            /**
             * @description What you call this user: 1 to 255 characters without control characters. The same text is the same user for ever; other operations show it as a UUID.
             * @example customer-4711
             */
            user_id: string;
            /**
             * @description For how many seconds the token is good. It can not be taken back before.
             * @default 1800
             * @example 1800
             */
            expires_in?: number;
        };
        /** @description A token for one end user of one project. */
        EndUserTokenResponse: {
            /**
             * @description To be sent as `Authorization: Bearer <token>`.
             * @example eyJhbGciOiJIUzI1NiJ9.e30.c2ln
             */
            access_token: string;
            /**
             * @description Always `bearer`.
             * @example bearer
             */
            token_type: string;
            /**
             * @description For how many seconds it is good.
             * @example 1800
             */
            expires_in: number;
        };
        /** @description A service account. */
        ServiceAccountResponse: {
            /**
             * @description When its key ends; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string | null;
            /**
             * @description From where its key may be used; `null` for everywhere.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks: string[] | null;
            /**
             * @description When a key of it was last used, at most a minute behind; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string | null;
            /**
             * @description Until when former keys stay valid after a rotation; `null` if there are none.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_key_expires_at: string | null;
            /**
             * Format: uuid
             * @description Its id, by which the history names it.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description What people call it.
             * @example Billing backend
             */
            name: string;
            /**
             * @description What it may do.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * @description How many requests it may send in a minute to one process; `null` for as many as any caller.
             * @example 300
             */
            requests_per_minute: number | null;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
        };
        /** @description A new service account. */
        ServiceAccountCreateRequest: {
            /**
             * @description What people call it.
             * @example Billing backend
             */
            name: string;
            /**
             * @description What it may do.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * @description When its key ends. Without it, never.
             * @example 2040-01-01T00:00:00.000Z
             */
            expires_at?: string | null;
            /**
             * @description Addresses and CIDR ranges from which its key may be used. Without it, from everywhere.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks?: string[] | null;
            /**
             * @description How many requests it may send in a minute to one process. Without it, as many as any caller. More than that only for an operator’s account.
             * @example 300
             */
            requests_per_minute?: number | null;
        };
        /** @description A service account, with its new key. */
        ServiceAccountKeyResponse: {
            /**
             * @description When its key ends; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string | null;
            /**
             * @description From where its key may be used; `null` for everywhere.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks: string[] | null;
            /**
             * @description When a key of it was last used, at most a minute behind; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string | null;
            /**
             * @description Until when former keys stay valid after a rotation; `null` if there are none.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_key_expires_at: string | null;
            /**
             * Format: uuid
             * @description Its id, by which the history names it.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description What people call it.
             * @example Billing backend
             */
            name: string;
            /**
             * @description What it may do.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * @description How many requests it may send in a minute to one process; `null` for as many as any caller.
             * @example 300
             */
            requests_per_minute: number | null;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description To be sent as `Authorization: Bearer <key>`. It is not shown again.
             * @example tks_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa4CJoky
             */
            key: string;
        };
        /** @description How to rotate. Nothing is required. */
        ServiceAccountRotateRequest: {
            /**
             * @description For how many seconds the former keys stay valid. 0 ends them at once.
             * @default 86400
             * @example 86400
             */
            grace_seconds?: number;
            /**
             * @description When the new key ends. Without it, when the former one would.
             * @example 2040-01-01T00:00:00.000Z
             */
            expires_at?: string | null;
        };
        Object: Record<string, never>;
        /** @description A project, as operators see it. */
        OperatorProjectResponse: {
            /**
             * Format: uuid
             * @description The project's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description Whose project it is.
             * @example developer-1
             */
            owner_id: string;
            /**
             * @description What people call it.
             * @example Corner shop
             */
            name: string;
            /**
             * @description What it is.
             * @example Sells bread by subscription
             */
            description: string | null;
            /**
             * @description `unconfigured`: no secret key is stored. `unverified`: Stripe was not asked about a stored one yet. `unhealthy`: Stripe refused one. `healthy`: Stripe accepted all.
             * @example healthy
             * @enum {string}
             */
            health: "unconfigured" | "unverified" | "unhealthy" | "healthy";
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When its name or description last changed.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string;
        };
        /** @description One page of projects. */
        OperatorProjectsResponse: {
            /** @description The projects. */
            projects: components["schemas"]["OperatorProjectResponse"][];
            /**
             * @description For the next page; `null` on the last one.
             * @example WyJ0IiwiMjAyNi0xMS0yMFQwODoyMDowMC4wMDBaIl0
             */
            next_cursor: string | null;
        };
        /** @description What the project is to be. */
        ProjectProvisionRequest: {
            /**
             * @description Whose project it is: the `sub` of their access tokens.
             * @example developer-1
             */
            owner_id: string;
            /**
             * @description What people call it.
             * @example Corner shop
             */
            name: string;
        };
        /** @description To whom the project goes. */
        OperatorTransferRequest: {
            /**
             * @description The new owner: the `sub` of their access tokens. They need not be a member.
             * @example developer-2
             */
            subject: string;
        };
        /** @description The process is well. */
        HealthResponse: {
            /**
             * @description Always `ok`: what is not well is an error.
             * @example ok
             * @enum {string}
             */
            status: "ok";
        };
        /** @description The process can serve. */
        ReadyResponse: {
            /**
             * @description Always `ok`: what is not well is an error.
             * @example ok
             * @enum {string}
             */
            status: "ok";
            /**
             * @description Whether changes made by other processes are announced to this one. While `lost`, it serves without its caches; the log says why.
             * @example arriving
             * @enum {string}
             */
            change_notifications: "arriving" | "lost";
        };
        /** @description Something that is valid but looks wrong. */
        StripeConfigWarning: {
            /**
             * @description A stable name for what looks wrong.
             * @example missing_webhook_secret
             * @enum {string}
             */
            code: "different_accounts" | "account_changed" | "account_shared" | "endpoint_of_other_account" | "same_webhook_secret" | "missing_webhook_secret" | "looks_cut_off";
            /**
             * @description The credential that it is about.
             * @example test_webhook_secret
             * @enum {string}
             */
            field: "test_secret_key" | "test_publishable_key" | "test_webhook_secret" | "live_secret_key" | "live_publishable_key" | "live_webhook_secret";
            /**
             * @description What looks wrong and what follows from it.
             * @example There is a test secret key but no test webhook secret.
             */
            message: string;
        };
        /** @description A project's Stripe credentials, masked. The full values are never returned. */
        StripeConfigResponse: {
            /**
             * Format: uuid
             * @description The configuration's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * Format: uuid
             * @description The project's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string;
            /**
             * @description Whether the configuration is in use; `false` after DELETE.
             * @example true
             */
            is_active: boolean;
            /**
             * @description Whether the test secret key is stored, which makes test mode usable.
             * @example true
             */
            has_test_credentials: boolean;
            /**
             * @description Whether the live secret key is stored, which makes live mode usable.
             * @example false
             */
            has_live_credentials: boolean;
            /**
             * @description Prefix and last four characters of the test secret key; `null` when not set.
             * @example sk_test_...aBcD
             */
            test_secret_key_masked: string | null;
            /**
             * @description Prefix and last four characters of the test publishable key; `null` when not set.
             * @example pk_test_...aBcD
             */
            test_publishable_key_masked: string | null;
            /**
             * @description Prefix and last four characters of the test webhook secret; `null` when not set.
             * @example whsec_...aBcD
             */
            test_webhook_secret_masked: string | null;
            /**
             * @description Prefix and last four characters of the live secret key; `null` when not set.
             * @example sk_live_...aBcD
             */
            live_secret_key_masked: string | null;
            /**
             * @description Prefix and last four characters of the live publishable key; `null` when not set.
             * @example pk_live_...aBcD
             */
            live_publishable_key_masked: string | null;
            /**
             * @description Prefix and last four characters of the live webhook secret; `null` when not set.
             * @example whsec_...aBcD
             */
            live_webhook_secret_masked: string | null;
            /**
             * @description When a test credential was last written; `null` when there is none.
             * @example 2026-11-21T09:30:00.000Z
             */
            test_configured_at: string | null;
            /**
             * @description When a live credential was last written; `null` when there is none.
             * @example 2026-11-21T09:30:00.000Z
             */
            live_configured_at: string | null;
            /**
             * Format: date-time
             * @description When the configuration was first made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description When anything of it last changed.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string | null;
            /** @description What is valid but looks wrong; mostly empty. */
            warnings: components["schemas"]["StripeConfigWarning"][];
        };
        /** @description The credentials to store. Every field is optional; a field that is absent or `null` keeps its stored value. */
        StripeConfigRequest: {
            /**
             * @description The test secret key, at most 512 characters. Absent or `null` keeps what is stored.
             * @example sk_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            test_secret_key?: string | null;
            /**
             * @description The test publishable key, at most 512 characters. Absent or `null` keeps what is stored.
             * @example pk_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            test_publishable_key?: string | null;
            /**
             * @description The test webhook secret, at most 512 characters. Absent or `null` keeps what is stored.
             * @example whsec_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            test_webhook_secret?: string | null;
            /**
             * @description The live secret key, at most 512 characters. Absent or `null` keeps what is stored.
             * @example sk_live_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
             */
            live_secret_key?: string | null;
            /**
             * @description The live publishable key, at most 512 characters. Absent or `null` keeps what is stored.
             * @example pk_live_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
             */
            live_publishable_key?: string | null;
            /**
             * @description The live webhook secret, at most 512 characters. Absent or `null` keeps what is stored.
             * @example whsec_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
             */
            live_webhook_secret?: string | null;
        };
        /** @description The webhook URLs to register in Stripe's dashboard. */
        StripeWebhookUrlsResponse: {
            /**
             * @description Where Stripe sends the test mode events of this project.
             * @example https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11/test
             */
            test_webhook_url: string;
            /**
             * @description Where Stripe sends the live mode events of this project.
             * @example https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11/live
             */
            live_webhook_url: string;
        };
        /** @description Who did something. */
        HistoryActor: {
            /**
             * @description `person`: with an access token. `service_account`: a machine with a key. `module`: another part of the same installation. `system`: the service itself, or its operator.
             * @example person
             * @enum {string}
             */
            kind: "person" | "service_account" | "module" | "system";
            /**
             * @description The token's `sub`, the id of the service account, or the name of the part.
             * @example developer-1
             */
            subject: string;
            /**
             * @description The service account's name at that time; `null` for others.
             * @example Billing backend
             */
            name: string | null;
        };
        /** @description A field that was written or destroyed. */
        HistoryField: {
            /**
             * @description Its name.
             * @example live_secret_key
             */
            field: string;
            /**
             * @description A credential's last four characters, as far as its mask shows them.
             * @example aBcD
             */
            last_four: string | null;
        };
        /** @description One thing that was done. It holds no value of a credential. */
        HistoryEntry: {
            /**
             * @description Its place in the history of the project, counted from 1.
             * @example 7
             */
            seq: number;
            /**
             * Format: date-time
             * @description When it was done.
             * @example 2026-11-21T09:30:00.000Z
             */
            at: string;
            /**
             * @description What was done.
             * @example config.updated
             * @enum {string}
             */
            action: "project.created" | "project.updated" | "project.deleted" | "config.created" | "config.updated" | "config.deleted" | "config.mode_deleted" | "credentials.validated" | "credentials.refused" | "webhook_endpoint.created" | "webhook_endpoint.removed" | "webhook_secret.expired" | "service_account.created" | "service_account.rotated" | "service_account.revoked" | "gateway_key.created" | "gateway_key.updated" | "gateway_key.rotated" | "gateway_key.revoked" | "member.added" | "member.changed" | "member.removed" | "invitation.created" | "invitation.withdrawn" | "project.transferred" | "history.pruned";
            /**
             * @description `done`, or what Stripe said of a key: `valid`, `invalid`, or `unavailable` when it could not be asked.
             * @example done
             * @enum {string}
             */
            result: "done" | "valid" | "invalid" | "unavailable";
            actor: components["schemas"]["HistoryActor"];
            /**
             * @description From which address; `null` without a request.
             * @example 192.0.2.7
             */
            ip: string | null;
            /**
             * @description What the client called itself, shortened; what could be a key in it is hidden.
             * @example curl/8.5.0
             */
            user_agent: string | null;
            /**
             * @description What the answer had as `X-Request-Id`.
             * @example 0d3c9a52-3a5e-4f4e-9a55-0f0a6f0c2b11
             */
            request_id: string | null;
            /**
             * @description The mode, where it was about one.
             * @example null
             */
            mode: ("test" | "live") | null;
            /**
             * @description The version of the configuration that it made, which is its `ETag`.
             * @example 3
             */
            version: number | null;
            /** @description What was written or destroyed. */
            fields: components["schemas"]["HistoryField"][];
            /**
             * @description Stripe's id of the webhook endpoint that was made or removed.
             * @example we_1AAAAAAAAAAAAAAAAAAAAAAA
             */
            endpoint_id: string | null;
            /**
             * @description The service account that was made, rotated or revoked.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            service_account_id: string | null;
            /**
             * @description The former webhook secrets that it destroyed, and which are no longer accepted from then on.
             * @example []
             */
            former_webhook_secrets_ended: components["schemas"]["HistoryField"][];
            /**
             * @description The `subject` of the member that was added, changed or removed, or of the new owner.
             * @example 8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38
             */
            member: string | null;
            /**
             * @description The gateway key that was made, changed, rotated or revoked.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            gateway_key_id: string | null;
            /**
             * @description The role of that member, or of the invitation.
             * @example admin
             */
            role: string | null;
            /**
             * @description The invitation that was made, withdrawn or used. Its address is not recorded.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            invitation_id: string | null;
        };
        /** @description One page of a project's history, the newest first. */
        HistoryList: {
            /** @description The entries. */
            entries: components["schemas"]["HistoryEntry"][];
            /**
             * @description How many there are in all.
             * @example 1
             */
            total: number;
            /**
             * @description Which page this is.
             * @example 1
             */
            page: number;
            /**
             * @description How many entries a page has.
             * @example 50
             */
            page_size: number;
        };
        /** @description A secret key to ask Stripe about. It is not stored. */
        ValidateStripeCredentialsRequest: {
            /**
             * @description A secret key or a restricted key.
             * @example sk_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            secret_key: string;
            /**
             * @description Whether it should be a key of test mode, or else of live mode.
             * @default true
             * @example true
             */
            is_test_mode?: boolean;
        };
        /** @description What Stripe says of the key. */
        ValidateStripeCredentialsResponse: {
            /**
             * @description Whether Stripe accepts the key for all that is needed.
             * @example true
             */
            valid: boolean;
            /**
             * @description Why, and what to do about it.
             * @example Stripe accepts this key.
             */
            message: string;
        };
        /** @description A pause: Stripe collects no payments, or the subscription is paused as a whole. */
        StripeSubscriptionPause: {
            /**
             * @description What Stripe does with invoices while it collects no payments: `keep_as_draft`, `mark_uncollectible` or `void`. `null` where collection isn't paused.
             * @example void
             */
            behavior: string | null;
            /**
             * @description When Stripe collects payments again; `null` where no time is set.
             * @example 2026-11-21T09:30:00.000Z
             */
            resumes_at: string | null;
            /**
             * @description Why the status is `paused`, in the words of Stripe: `trial_end_without_payment_method` or `pause_requested`, for instance. `null` with another status, and where Stripe told no reason.
             * @example trial_end_without_payment_method
             */
            reason: string | null;
        };
        /** @description A subscription as Stripe last said. */
        StripeSubscriptionResponse: {
            /**
             * Format: uuid
             * @description Our id of the subscription.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * Format: uuid
             * @description The project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string;
            /**
             * @description The user's id; `null` where nothing told whose it is.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            user_id: string | null;
            /**
             * @description Whether it is of test mode.
             * @example true
             */
            is_test_mode: boolean;
            /**
             * @description Stripe's id of the subscription.
             * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            subscription_id: string;
            /**
             * @description Stripe's id of the customer; an account's where an account is the customer.
             * @example cus_aaaaaaaaaaaaaa
             */
            customer_id: string | null;
            /**
             * @description Stripe's status.
             * @example active
             */
            status: string;
            /**
             * @description What the plan is called.
             * @example Pro
             */
            plan_name: string | null;
            /**
             * @description How many of the plan.
             * @example 1
             */
            quantity: number;
            /**
             * @description When the current period began.
             * @example 2026-11-21T09:30:00.000Z
             */
            current_period_start: string | null;
            /**
             * @description When the current period ends.
             * @example 2026-11-21T09:30:00.000Z
             */
            current_period_end: string | null;
            /**
             * @description When it is going to end, if it is, or was to end when it did.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancel_at: string | null;
            /**
             * @description When somebody asked to cancel it.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancelled_at: string | null;
            /**
             * @description The pause; `null` for a subscription that is not paused.
             * @example {
             *       "behavior": "void",
             *       "resumes_at": "2026-12-21T09:30:00.000Z",
             *       "reason": null
             *     }
             */
            pause: components["schemas"]["StripeSubscriptionPause"] | null;
            /**
             * @description Whether it is of another Stripe account than the stored key, as Stripe said of both keys. Then it is as it was last known, and does not count as anybody's current subscription.
             * @example false
             */
            account_mismatch: boolean;
            /**
             * Format: date-time
             * @description When Stripe made it.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the row last changed here.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string;
        };
        /** @description One page of a project's subscriptions, the newest first. */
        StripeSubscriptionListResponse: {
            /**
             * @description How many there are on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Whether `total` is all. With a filter other than project, mode and status, rows are counted up to 10,000.
             * @example true
             */
            total_is_exact: boolean;
            /**
             * @description Which page this is, from 1.
             * @example 1
             */
            page: number;
            /**
             * @description How many a page has.
             * @example 50
             */
            page_size: number;
            /** @description The subscriptions of this page. */
            subscriptions: components["schemas"]["StripeSubscriptionResponse"][];
        };
        /** @description A payment as Stripe last said: money that was paid, or that somebody tried to pay. */
        StripePaymentResponse: {
            /**
             * Format: uuid
             * @description Our id of the payment.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * Format: uuid
             * @description The project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string;
            /**
             * @description Our id of the subscription that it pays for, if it does.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            subscription_id: string | null;
            /**
             * @description The user's id; `null` where nothing told whose it is.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            user_id: string | null;
            /**
             * @description Stripe's id of the customer; an account's where an account is the customer.
             * @example cus_aaaaaaaaaaaaaa
             */
            customer_id: string | null;
            /**
             * @description Whether it is of test mode.
             * @example true
             */
            is_test_mode: boolean;
            /**
             * @description Stripe's id of the payment.
             * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            payment_intent_id: string;
            /**
             * @description Stripe's status, or `partially_refunded` or `refunded`.
             * @example succeeded
             */
            status: string;
            /**
             * @description In the smallest unit of the currency.
             * @example 2000
             */
            amount_cents: number;
            /**
             * @description ISO 4217, in lower case.
             * @example usd
             */
            currency: string;
            /**
             * @description `stripe`: Stripe collected the money. `out_of_band`: it was paid outside of Stripe, in cash for instance.
             * @default stripe
             * @example stripe
             * @enum {string}
             */
            source: "stripe" | "out_of_band";
            /**
             * @description What it was for.
             * @example Subscription creation
             */
            description: string | null;
            /**
             * @description How much of it was given back.
             * @default 0
             * @example 0
             */
            refunded_amount_cents: number;
            /**
             * @description Stripe's status of the latest dispute about it; `null` when there is none.
             * @example needs_response
             */
            dispute_status: string | null;
            /**
             * Format: date-time
             * @description When Stripe made it.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the row last changed here.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string;
        };
        /** @description One page of payments, the newest first. */
        StripePaymentListResponse: {
            /**
             * @description How many there are on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Whether `total` is all. With a filter other than project, mode and status, rows are counted up to 10,000.
             * @example true
             */
            total_is_exact: boolean;
            /**
             * @description Which page this is, from 1.
             * @example 1
             */
            page: number;
            /**
             * @description How many a page has.
             * @example 50
             */
            page_size: number;
            /** @description The payments. */
            payments: components["schemas"]["StripePaymentResponse"][];
        };
        /** @description A subscription, and to which project it belongs. */
        AggregatedSubscriptionResponse: {
            /**
             * Format: uuid
             * @description Our id of the subscription.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * Format: uuid
             * @description The project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string;
            /**
             * @description The user's id; `null` where nothing told whose it is.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            user_id: string | null;
            /**
             * @description Whether it is of test mode.
             * @example true
             */
            is_test_mode: boolean;
            /**
             * @description Stripe's id of the subscription.
             * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            subscription_id: string;
            /**
             * @description Stripe's id of the customer; an account's where an account is the customer.
             * @example cus_aaaaaaaaaaaaaa
             */
            customer_id: string | null;
            /**
             * @description Stripe's status.
             * @example active
             */
            status: string;
            /**
             * @description What the plan is called.
             * @example Pro
             */
            plan_name: string | null;
            /**
             * @description How many of the plan.
             * @example 1
             */
            quantity: number;
            /**
             * @description When the current period began.
             * @example 2026-11-21T09:30:00.000Z
             */
            current_period_start: string | null;
            /**
             * @description When the current period ends.
             * @example 2026-11-21T09:30:00.000Z
             */
            current_period_end: string | null;
            /**
             * @description When it is going to end, if it is, or was to end when it did.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancel_at: string | null;
            /**
             * @description When somebody asked to cancel it.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancelled_at: string | null;
            /**
             * @description The pause; `null` for a subscription that is not paused.
             * @example {
             *       "behavior": "void",
             *       "resumes_at": "2026-12-21T09:30:00.000Z",
             *       "reason": null
             *     }
             */
            pause: components["schemas"]["StripeSubscriptionPause"] | null;
            /**
             * @description Whether it is of another Stripe account than the stored key, as Stripe said of both keys. Then it is as it was last known, and does not count as anybody's current subscription.
             * @example false
             */
            account_mismatch: boolean;
            /**
             * Format: date-time
             * @description When Stripe made it.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the row last changed here.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string;
            /**
             * @description The project's name.
             * @example Corner shop
             */
            project_name: string;
            /**
             * @description Always `stripe`.
             * @default stripe
             * @example stripe
             */
            provider: string;
        };
        /** @description One page of the subscriptions of a developer's projects, the newest first. */
        AggregatedSubscriptionListResponse: {
            /**
             * @description How many there are on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Whether `total` is all. With a filter other than project, mode and status, rows are counted up to 10,000.
             * @example true
             */
            total_is_exact: boolean;
            /**
             * @description Which page this is, from 1.
             * @example 1
             */
            page: number;
            /**
             * @description How many a page has.
             * @example 50
             */
            page_size: number;
            /** @description The subscriptions of this page. */
            subscriptions: components["schemas"]["AggregatedSubscriptionResponse"][];
        };
        /** @description A payment, and to which project it belongs. */
        AggregatedPaymentResponse: {
            /**
             * Format: uuid
             * @description Our id of the payment.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * Format: uuid
             * @description The project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string;
            /**
             * @description Our id of the subscription that it pays for, if it does.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            subscription_id: string | null;
            /**
             * @description The user's id; `null` where nothing told whose it is.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            user_id: string | null;
            /**
             * @description Stripe's id of the customer; an account's where an account is the customer.
             * @example cus_aaaaaaaaaaaaaa
             */
            customer_id: string | null;
            /**
             * @description Whether it is of test mode.
             * @example true
             */
            is_test_mode: boolean;
            /**
             * @description Stripe's id of the payment.
             * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            payment_intent_id: string;
            /**
             * @description Stripe's status, or `partially_refunded` or `refunded`.
             * @example succeeded
             */
            status: string;
            /**
             * @description In the smallest unit of the currency.
             * @example 2000
             */
            amount_cents: number;
            /**
             * @description ISO 4217, in lower case.
             * @example usd
             */
            currency: string;
            /**
             * @description `stripe`: Stripe collected the money. `out_of_band`: it was paid outside of Stripe, in cash for instance.
             * @default stripe
             * @example stripe
             * @enum {string}
             */
            source: "stripe" | "out_of_band";
            /**
             * @description What it was for.
             * @example Subscription creation
             */
            description: string | null;
            /**
             * @description How much of it was given back.
             * @default 0
             * @example 0
             */
            refunded_amount_cents: number;
            /**
             * @description Stripe's status of the latest dispute about it; `null` when there is none.
             * @example needs_response
             */
            dispute_status: string | null;
            /**
             * Format: date-time
             * @description When Stripe made it.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the row last changed here.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string;
            /**
             * @description The project's name.
             * @example Corner shop
             */
            project_name: string;
            /**
             * @description Always `stripe`.
             * @default stripe
             * @example stripe
             */
            provider: string;
        };
        /** @description One page of the payments of a developer's projects, the newest first. */
        AggregatedPaymentListResponse: {
            /**
             * @description How many there are on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Whether `total` is all. With a filter other than project, mode and status, rows are counted up to 10,000.
             * @example true
             */
            total_is_exact: boolean;
            /**
             * @description Which page this is, from 1.
             * @example 1
             */
            page: number;
            /**
             * @description How many a page has.
             * @example 50
             */
            page_size: number;
            /** @description The payments of this page. */
            payments: components["schemas"]["AggregatedPaymentResponse"][];
        };
        /** @description A project, and what is configured of it. */
        ProjectPaymentConfigResponse: {
            /**
             * Format: uuid
             * @description The project's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description The project's name.
             * @example Corner shop
             */
            name: string;
            /**
             * @description What it is about.
             * @example Tea and cake
             */
            description: string | null;
            /**
             * @description Whether it has a Stripe configuration that is in use.
             * @example true
             */
            has_payment_config: boolean;
            /**
             * @description Whether the test secret key is stored.
             * @example true
             */
            has_test_credentials: boolean;
            /**
             * @description Whether the live secret key is stored.
             * @example false
             */
            has_live_credentials: boolean;
            /**
             * @description When a test credential was last written; `null` when there is none.
             * @example 2026-11-21T09:30:00.000Z
             */
            test_configured_at: string | null;
            /**
             * @description When a live credential was last written; `null` when there is none.
             * @example 2026-11-21T09:30:00.000Z
             */
            live_configured_at: string | null;
            /**
             * @description Whether the project is in use; a deleted one is not listed.
             * @example true
             */
            is_active: boolean;
            /**
             * Format: date-time
             * @description When the project was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
        };
        /** @description All projects of a developer, the newest first. */
        ProjectPaymentConfigListResponse: {
            /** @description The projects. */
            projects: components["schemas"]["ProjectPaymentConfigResponse"][];
            /**
             * @description How many they are.
             * @example 1
             */
            total: number;
        };
        /** @description What payments in one currency brought in. */
        CurrencyRevenue: {
            /**
             * @description ISO 4217, in lower case.
             * @example usd
             */
            currency: string;
            /**
             * @description Payments that succeeded, refunded ones among them.
             * @example 1
             */
            successful_payments: number;
            /**
             * @description What they were, in the smallest unit of the currency.
             * @example 2000
             */
            total_revenue_cents: number;
            /**
             * @description The same without what was refunded, and what was lost in disputes.
             * @example 2000
             */
            net_revenue_cents: number;
            /**
             * @description The part of `total_revenue_cents` that was paid outside of Stripe.
             * @example 0
             */
            out_of_band_revenue_cents: number;
        };
        /** @description Statistics of all of a developer's projects. Currencies are never added up. */
        PaymentStatsResponse: {
            /**
             * @description Projects.
             * @example 1
             */
            total_projects: number;
            /**
             * @description Projects with a Stripe configuration that is in use.
             * @example 1
             */
            projects_with_config: number;
            /**
             * @description Projects that have a test secret key.
             * @example 1
             */
            projects_with_test: number;
            /**
             * @description Projects that have a live secret key.
             * @example 0
             */
            projects_with_live: number;
            /**
             * @description Subscriptions, ended ones among them.
             * @example 1
             */
            total_subscriptions: number;
            /**
             * @description Subscriptions that are active or trialing.
             * @example 1
             */
            active_subscriptions: number;
            /**
             * @description Payments, also those that did not succeed.
             * @example 1
             */
            total_payments: number;
            /**
             * @description Payments that succeeded, refunded ones among them, in all currencies.
             * @example 1
             */
            successful_payments: number;
            /**
             * @description What payments in `currency` brought in, before refunds.
             * @example 2000
             */
            total_revenue_cents: number;
            /**
             * @description The same after refunds and lost disputes.
             * @example 2000
             */
            net_revenue_cents: number;
            /**
             * @description The part of `total_revenue_cents` that was paid outside of Stripe.
             * @example 0
             */
            out_of_band_revenue_cents: number;
            /**
             * @description The currency of most successful payments; ISO 4217, in lower case.
             * @default usd
             * @example usd
             */
            currency: string;
            /** @description The same for every currency, the most used first. */
            revenue_by_currency: components["schemas"]["CurrencyRevenue"][];
        };
        /** @description Revenue of one interval in one currency, in the smallest unit that Stripe uses. */
        SeriesRevenue: {
            /**
             * @description ISO 4217, in lower case.
             * @example usd
             */
            currency: string;
            /**
             * @description By how many digits the decimal point of the amounts moves: 2 for USD, 0 for JPY, 3 for KWD. Stripe's amounts of ISK and UGX have 2.
             * @example 2
             */
            decimals: number;
            /**
             * @description Payments of the interval that succeeded, refunded ones among them.
             * @example 1
             */
            successful_payments: number;
            /**
             * @description What these payments were.
             * @example 2000
             */
            gross_revenue_cents: number;
            /**
             * @description What was refunded in the interval, also of earlier payments.
             * @example 0
             */
            refunded_cents: number;
            /**
             * @description Gross less refunds, and less disputes that were opened in the interval and lost.
             * @example 2000
             */
            net_revenue_cents: number;
        };
        /** @description One interval. */
        StatsSeriesPoint: {
            /**
             * Format: date
             * @description Its first day (UTC).
             * @example 2026-11-21
             */
            start: string;
            /**
             * @description Subscriptions that were active or trialing at its end, or are so now.
             * @example 1
             */
            active_subscriptions: number;
            /** @description One entry for each currency of the whole series, by name. */
            revenue: components["schemas"]["SeriesRevenue"][];
        };
        /** @description Revenue and active subscriptions over time. Currencies are never added up. */
        StatsSeriesResponse: {
            /**
             * Format: date
             * @description The first day that was asked for.
             * @example 2026-11-21
             */
            from: string;
            /**
             * Format: date
             * @description The last day, included.
             * @example 2026-11-21
             */
            to: string;
            /**
             * @description What one point covers.
             * @example day
             * @enum {string}
             */
            interval: "day" | "week" | "month";
            /**
             * @description `test`, `live`, or `null` for both.
             * @example test
             */
            mode: string | null;
            /** @description All intervals from `from` to `to`, the oldest first. The first and the last one are whole. */
            points: components["schemas"]["StatsSeriesPoint"][];
        };
        /** @description What to buy. */
        StripeCheckoutRequest: {
            /**
             * @description Stripe's id of the price.
             * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            price_id: string;
            /**
             * @description Where to send the buyer who has paid; Stripe puts the id of the session in place of `{CHECKOUT_SESSION_ID}`. An absolute `https` URL, or `http` on a loopback host in test mode.
             * @example https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}
             */
            success_url: string;
            /**
             * @description Where to send the buyer who turns back. An absolute `https` URL, or `http` on a loopback host in test mode.
             * @example https://shop.example.com/prices
             */
            cancel_url: string;
            /**
             * @description `subscription` for a recurring price, `payment` for any other.
             * @default subscription
             * @example subscription
             */
            mode?: string;
            /**
             * @description How many, 999999 at most.
             * @default 1
             * @example 1
             */
            quantity?: number;
            /**
             * @description Goes to Stripe with the session and with what comes of it: up to 48 names of 40 characters and texts of 500. `user_id` and `project_id` are set here, whatever is sent for them.
             * @example {
             *       "campaign": "autumn"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            } | null;
            /**
             * @description Whether a buyer who has an active or trialing subscription may buy another one.
             * @default false
             * @example false
             */
            allow_existing_subscription?: boolean;
        };
        /** @description A page of Stripe's, for this buyer alone. */
        StripeCheckoutResponse: {
            /**
             * @description Stripe's id of the session.
             * @example cs_test_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            session_id: string;
            /**
             * @description Where to send the buyer.
             * @example https://checkout.stripe.com/c/pay/cs_test_…
             */
            checkout_url: string;
        };
        /** @description Where the portal leads back to. */
        CustomerPortalRequest: {
            /**
             * @description Where the portal leads back to. An absolute `https` URL, or `http` on a loopback host in test mode.
             * @example https://shop.example.com/account
             */
            return_url: string;
        };
        /** @description Stripe's page on which this buyer looks after cards, invoices and subscriptions. */
        CustomerPortalResponse: {
            /**
             * @description Where to send the buyer.
             * @example https://billing.stripe.com/p/session/…
             */
            portal_url: string;
        };
        /** @description When to cancel. */
        CancelSubscriptionRequest: {
            /**
             * @description Whether to end it now, without a refund, and not with the period that is paid for.
             * @default false
             * @example false
             */
            cancel_immediately?: boolean;
        };
        /** @description The subscription, cancelled. */
        CancelSubscriptionResponse: {
            /**
             * @description Stripe's id of the subscription.
             * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            subscription_id: string;
            /**
             * @description Stripe's status; it stays `active` until the period ends.
             * @example active
             */
            status: string;
            /**
             * @description When it is going to end; `null` when it has ended.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancel_at: string | null;
            /**
             * @description When somebody asked to cancel it.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancelled_at: string | null;
            /**
             * @description A sentence for the buyer.
             * @example The subscription ends on 2026-12-21.
             */
            message: string;
        };
        /** @description Which plan to change to. */
        UpdateSubscriptionRequest: {
            /**
             * @description Stripe's id of the price to change to.
             * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            new_price_id: string;
            /**
             * @description `create_prorations`: what the change costs or saves is on the next invoice; `always_invoice`: on one of its own, now; `none`: nowhere.
             * @default create_prorations
             * @example create_prorations
             */
            proration_behavior?: string;
        };
        /** @description The subscription on its new plan. */
        UpdateSubscriptionResponse: {
            /**
             * @description Stripe's id of the subscription.
             * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            subscription_id: string;
            /**
             * @description Stripe's status.
             * @example active
             */
            status: string;
            /**
             * @description Stripe's id of the price that it is on.
             * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            price_id: string;
            /**
             * @description A sentence for the buyer.
             * @example The subscription is on its new plan.
             */
            message: string;
        };
        /** @description A gateway key, without the key. */
        GatewayKeyResponse: {
            /**
             * @description When its key ends; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string | null;
            /**
             * @description From where its key may be used; `null` for everywhere.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks: string[] | null;
            /**
             * @description When a key of it was last used, at most a minute behind; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string | null;
            /**
             * @description Until when former keys stay valid after a rotation; `null` if there are none.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_key_expires_at: string | null;
            /**
             * Format: uuid
             * @description Its id, by which the history names it.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description What people call it.
             * @example Python worker
             */
            name: string;
            /**
             * @description Which of the stored secret keys it stands for.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description What the key may do, by resource.
             * @example {
             *       "customers": "write",
             *       "checkout/sessions": "write",
             *       "subscriptions": "read"
             *     }
             */
            permissions: {
                [key: string]: "read" | "write";
            };
            /**
             * @description Values of `Stripe-Account` and `Stripe-Context` that the key may send.
             * @example []
             */
            accounts: string[];
            /**
             * @description Whether every request with the key is refused for now.
             * @example false
             */
            paused: boolean;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
        };
        /** @description A new gateway key. */
        GatewayKeyCreateRequest: {
            /**
             * @description What people call it.
             * @example Python worker
             */
            name: string;
            /**
             * @description Which of the stored secret keys it stands for.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description What the key may do, by resource of Stripe: `read`, or `write`, which includes `read`. `*` is every resource. Nothing else is allowed.
             * @example {
             *       "customers": "write",
             *       "checkout/sessions": "write",
             *       "subscriptions": "read"
             *     }
             */
            permissions: {
                [key: string]: "read" | "write";
            };
            /**
             * @description Values of `Stripe-Account` and `Stripe-Context` that the key may send. Without it, none.
             * @example []
             */
            accounts?: string[];
            /**
             * @description When the key ends. Without it, never.
             * @example 2040-01-01T00:00:00.000Z
             */
            expires_at?: string | null;
            /**
             * @description Addresses and CIDR ranges from which the key may be used. Without it, from everywhere.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks?: string[] | null;
        };
        /** @description A gateway key, with its text. */
        IssuedGatewayKeyResponse: {
            /**
             * @description When its key ends; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string | null;
            /**
             * @description From where its key may be used; `null` for everywhere.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks: string[] | null;
            /**
             * @description When a key of it was last used, at most a minute behind; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string | null;
            /**
             * @description Until when former keys stay valid after a rotation; `null` if there are none.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_key_expires_at: string | null;
            /**
             * Format: uuid
             * @description Its id, by which the history names it.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description What people call it.
             * @example Python worker
             */
            name: string;
            /**
             * @description Which of the stored secret keys it stands for.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description What the key may do, by resource.
             * @example {
             *       "customers": "write",
             *       "checkout/sessions": "write",
             *       "subscriptions": "read"
             *     }
             */
            permissions: {
                [key: string]: "read" | "write";
            };
            /**
             * @description Values of `Stripe-Account` and `Stripe-Context` that the key may send.
             * @example []
             */
            accounts: string[];
            /**
             * @description Whether every request with the key is refused for now.
             * @example false
             */
            paused: boolean;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Given to a Stripe SDK in place of a secret key. It is not shown again.
             * @example tkg_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa4awSOR
             */
            key: string;
        };
        /** @description Changes of a gateway key. An absent field stays as it is. */
        GatewayKeyUpdateRequest: {
            /**
             * @description What people call it.
             * @example Python worker
             */
            name?: string | null;
            /**
             * @description What the key may do, by resource of Stripe: `read`, or `write`, which includes `read`. `*` is every resource. Nothing else is allowed. Replaces all.
             * @example {
             *       "customers": "write",
             *       "checkout/sessions": "write",
             *       "subscriptions": "read"
             *     }
             */
            permissions?: {
                [key: string]: "read" | "write";
            };
            /**
             * @description Values of `Stripe-Account` and `Stripe-Context` that the key may send. Without it, none.
             * @example []
             */
            accounts?: string[];
            /**
             * @description Addresses and CIDR ranges from which the key may be used; `null` for everywhere.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks?: string[] | null;
            /**
             * @description Whether every request with the key is refused for now.
             * @example true
             */
            paused?: boolean;
        };
        /** @description How to rotate. Nothing is required. */
        GatewayKeyRotateRequest: {
            /**
             * @description For how many seconds the former keys stay valid. 0 ends them at once.
             * @default 86400
             * @example 86400
             */
            grace_seconds?: number;
            /**
             * @description When the new key ends. Without it, when the former one would.
             * @example 2040-01-01T00:00:00.000Z
             */
            expires_at?: string | null;
        };
        /** @description Which webhook endpoint to make. */
        WebhookEndpointCreateRequest: {
            /**
             * @description Whose events.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
        };
        /** @description A webhook endpoint at Stripe. Its signing secret is stored and never shown. */
        WebhookEndpointResponse: {
            /**
             * @description Stripe's id of the endpoint.
             * @example we_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            id: string;
            /**
             * @description Where Stripe sends the events.
             * @example https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/…/test
             */
            url: string;
            /**
             * @description The events that Stripe sends.
             * @example [
             *       "checkout.session.completed",
             *       "checkout.session.async_payment_succeeded",
             *       "checkout.session.async_payment_failed",
             *       "customer.subscription.created",
             *       "customer.subscription.updated",
             *       "customer.subscription.deleted",
             *       "customer.subscription.paused",
             *       "customer.subscription.resumed",
             *       "invoice.paid",
             *       "invoice.payment_succeeded",
             *       "invoice.payment_failed",
             *       "payment_intent.succeeded",
             *       "payment_intent.payment_failed",
             *       "payment_intent.canceled",
             *       "charge.refunded",
             *       "charge.refund.updated",
             *       "refund.updated",
             *       "refund.failed",
             *       "charge.dispute.created",
             *       "charge.dispute.updated",
             *       "charge.dispute.closed",
             *       "charge.dispute.funds_withdrawn",
             *       "charge.dispute.funds_reinstated"
             *     ]
             */
            events: string[];
            /**
             * @description The version of Stripe's API that the events have.
             * @example 2026-10-28.endive
             */
            version: string;
        };
        /** @description The state of one mode's webhooks. */
        StripeWebhookStatus: {
            /**
             * @description The endpoint that we made at Stripe; `null` when we made none.
             * @example we_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            endpoint_id: string | null;
            /**
             * @description Until when the webhook secret before the stored one is accepted too; `null` when there is none.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_secret_valid_until: string | null;
            /**
             * @description When the last event arrived; `null` before the first.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_event_at: string | null;
            /**
             * @description When a delivery last failed, or could not be read; `null` when none did.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_failure_at: string | null;
            /**
             * @description Why it failed, or that the stored webhook secret can not be opened.
             * @example The signature does not match the stored webhook secret.
             */
            last_failure_reason: string | null;
            /**
             * @description How many events arrived in a form that this version does not know. `webhook-events?outcome=unreadable` lists them.
             * @example 0
             */
            unreadable_events: number;
        };
        /** @description The state of one mode's connection to Stripe. */
        StripeModeStatus: {
            /**
             * @description `not_configured`: no secret key. `unverified`: Stripe has not said anything of the stored key yet. `valid`, `invalid`: what it said last, asked about the key or in a call that used it. A stored key that can not be opened is `invalid` too.
             * @example valid
             * @enum {string}
             */
            state: "not_configured" | "unverified" | "valid" | "invalid";
            /**
             * @description The Stripe account's id, where known.
             * @example acct_1AAAAAAAAAAAAAAA
             */
            account_id: string | null;
            /**
             * @description The Stripe account's name, where known.
             * @example Corner shop
             */
            account_name: string | null;
            /**
             * @description When Stripe last said something of the stored key.
             * @example 2026-11-21T09:30:00.000Z
             */
            verified_at: string | null;
            /**
             * @description What made Stripe say it: the validate operation, a save with `validate=true`, or a call that used the key.
             * @example validation
             */
            verified_by: ("validation" | "save" | "use") | null;
            /**
             * @description Why the key is invalid, and what to do about it.
             * @example This key has expired; make a new one in the Stripe dashboard.
             */
            last_error: string | null;
            webhook: components["schemas"]["StripeWebhookStatus"];
        };
        /** @description The state of a project's connections to Stripe. */
        StripeConfigStatusResponse: {
            test: components["schemas"]["StripeModeStatus"];
            live: components["schemas"]["StripeModeStatus"];
        };
        /** @description What was done with the event. It is committed. */
        WebhookReceipt: {
            /**
             * @description Always `true`: what was not received is an error.
             * @example true
             */
            received: boolean;
            /**
             * @description `applied`: its effect is stored. `ignored`: nothing here depends on it. `unreadable`: it is in a form that this version does not know, and is kept for a replay. `duplicate`: it was applied or ignored before.
             * @example applied
             * @enum {string}
             */
            outcome: "applied" | "ignored" | "unreadable" | "duplicate";
        };
        /** @description An event of Stripe, and what became of it. */
        StripeWebhookEvent: {
            /**
             * @description Stripe's id of the event.
             * @example evt_1AAAAAAAAAAAAAAAAAAAAAAA
             */
            id: string;
            /**
             * @description Whose events it came with.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description What happened.
             * @example invoice.paid
             */
            type: string;
            /**
             * @description The version of Stripe's API that it has, where it says.
             * @example 2026-10-28.endive
             */
            api_version: string | null;
            /**
             * @description `applied`: its effect is stored. `ignored`: nothing here depends on it. `unreadable`: it is in a form that this version does not know; replay it after an update. `failed`: it could not be applied, and Stripe sends it again. `open`: so does Stripe, but first the owner has to mend what `reason` says.
             * @example applied
             * @enum {string}
             */
            outcome: "applied" | "ignored" | "unreadable" | "failed" | "open";
            /**
             * @description Why it was not applied.
             * @example Stripe does not accept the stored secret key; store a new one.
             */
            reason: string | null;
            /**
             * @description When it last failed, or could not be read, also if it was applied later; `null` when it never did.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_failure_at: string | null;
            /**
             * @description Why it failed then.
             * @example Stripe can not be reached at the moment; try again shortly.
             */
            last_failure_reason: string | null;
            /**
             * @description How often it came again after it was applied or ignored.
             * @example 0
             */
            duplicate_count: number;
            /**
             * @description Whether its payload is still kept, so that it can be replayed.
             * @example true
             */
            replayable: boolean;
            /**
             * Format: date-time
             * @description When it happened at Stripe.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it first arrived.
             * @example 2026-11-21T09:30:00.000Z
             */
            received_at: string;
            /**
             * Format: date-time
             * @description When its outcome was decided.
             * @example 2026-11-21T09:30:00.000Z
             */
            processed_at: string;
        };
        /** @description Deliveries that were refused for one reason, and left nothing behind. */
        StripeWebhookRefusals: {
            /**
             * @description To which URL they came.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description Why they were refused.
             * @example wrong_signature
             * @enum {string}
             */
            reason: "missing_signature" | "malformed_signature" | "wrong_signature" | "too_old" | "from_the_future" | "unreadable" | "wrong_mode";
            /**
             * @description The same for people.
             * @example The signature is more than 300 seconds old.
             */
            message: string;
            /**
             * @description How many there were.
             * @example 3
             */
            count: number;
            /**
             * Format: date-time
             * @description When the first came.
             * @example 2026-11-21T09:30:00.000Z
             */
            first_at: string;
            /**
             * Format: date-time
             * @description When the last came.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_at: string;
        };
        /** @description One page of the events that arrived, the newest first, and what was refused. */
        StripeWebhookEventList: {
            /** @description The events. */
            events: components["schemas"]["StripeWebhookEvent"][];
            /**
             * @description How many events there are with these filters; 10,000 may be more.
             * @example 1
             */
            total: number;
            /**
             * @description Which page this is.
             * @example 1
             */
            page: number;
            /**
             * @description How many events a page has.
             * @example 50
             */
            page_size: number;
            /** @description Whatever the filters and the page: deliveries that were refused, by mode and reason. A wrong webhook secret shows here. */
            refusals: components["schemas"]["StripeWebhookRefusals"][];
        };
        /** @description What to compare with Stripe. */
        StripeReconcileRequest: {
            /**
             * @description Of which mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description From when on to read events; by default from when all of them are known. Stripe keeps them for 30 days.
             * @example 2026-11-01T00:00:00Z
             */
            since?: string | number | null;
        };
        /** @description How many events were read. */
        StripeReconcileEvents: {
            /**
             * @description How many Stripe has.
             * @example 12
             */
            read: number;
            /**
             * @description How many were applied or ignored before.
             * @example 10
             */
            known: number;
            /**
             * @description How many were missing and are applied now.
             * @example 2
             */
            applied: number;
            /**
             * @description How many were missing and change nothing here.
             * @example 0
             */
            ignored: number;
            /**
             * @description How many are in a form that this version does not know.
             * @example 0
             */
            unreadable: number;
            /**
             * @description How many could not be applied.
             * @example 0
             */
            failed: number;
        };
        /** @description An event that could not be applied. */
        StripeReconcileFailure: {
            /**
             * @description Stripe's id of the event.
             * @example evt_1AAAAAAAAAAAAAAAAAAAAAAA
             */
            id: string;
            /**
             * @description What happened.
             * @example invoice.paid
             */
            type: string;
            /**
             * @description Why it failed.
             * @example Stripe can not be reached at the moment; try again shortly.
             */
            reason: string;
        };
        /** @description How many subscriptions were compared. */
        StripeReconcileSubscriptions: {
            /**
             * @description How many Stripe has.
             * @example 7
             */
            compared: number;
            /**
             * @description How many were not here as Stripe has them, and are now.
             * @example 1
             */
            repaired: number;
            /**
             * @description Stripe's ids of the first 100 of those.
             * @example [
             *       "sub_1AAAAAAAAAAAAAAAAAAAAAAA"
             *     ]
             */
            repaired_ids: string[];
            /**
             * @description How many are not over here, and Stripe has none such: of test data that was deleted, or of another account. They stay.
             * @example 0
             */
            missing_at_stripe: number;
            /**
             * @description Stripe's ids of the first 100 of those.
             * @example []
             */
            missing_at_stripe_ids: string[];
        };
        /** @description What was missing or different. */
        StripeReconcileResponse: {
            /**
             * @description Of which mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * Format: date-time
             * @description From when on events were read.
             * @example 2026-11-21T09:30:00.000Z
             */
            since: string;
            /**
             * @description Whether it came to its end. If not, the same request goes on from there.
             * @example true
             */
            complete: boolean;
            events: components["schemas"]["StripeReconcileEvents"];
            /** @description The first 100 events that could not be applied. */
            failures: components["schemas"]["StripeReconcileFailure"][];
            subscriptions: components["schemas"]["StripeReconcileSubscriptions"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description Finds the answer in the log of the service. A UUID or trace id that the request had as `X-Request-Id` is kept.
         * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
         */
        "X-Request-Id": string;
        /**
         * @description What is wrong with the access token, as RFC 6750 says it.
         * @example Bearer error="invalid_token", error_description="The access token has expired."
         */
        "WWW-Authenticate": string;
        /**
         * @description Seconds after which to try again.
         * @example 10
         */
        "Retry-After": number;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listProjects: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The projects. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /**
                     * @description The next page, as `<…>; rel="next"` (RFC 8288), if there is one. Relative to this URL.
                     * @example </api/v1/projects/?page=2&page_size=1000>; rel="next"
                     */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectResponse"][];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    createProject: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectCreateRequest"];
            };
        };
        responses: {
            /** @description The project was made. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectCreatedResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserCreateRequest"];
            };
        };
        responses: {
            /** @description The account was made. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegistrationResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Registration is closed. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description This service keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is an account with this address. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    logIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserLoginRequest"];
                "application/x-www-form-urlencoded": components["schemas"]["LoginForm"];
            };
        };
        responses: {
            /** @description Tokens of the new session. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The address or the password is wrong. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description This service keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
        responses: {
            /** @description The next tokens of the session. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The refresh token is not valid, or no longer. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description This service keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The account. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token, or its account was revoked. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token was made for no account of this service, or it keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    deleteMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The account is deleted. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token, or its account was revoked. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token was made for no account of this service, or it keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The account owns projects. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    logOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session has ended. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token, or its account was revoked. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The account has no such session, or there are no accounts. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of the sessions. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token, or its account was revoked. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token was made for no account of this service, or it keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    endAllSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All sessions have ended. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token, or its account was revoked. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token was made for no account of this service, or it keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The session's id. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token, or its account was revoked. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The account has no such session, or there are no accounts. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The session's id. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session has ended. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token, or its account was revoked. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The account has no such session, or there are no accounts. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangePasswordRequest"];
            };
        };
        responses: {
            /** @description The new password is set. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token, or its account was revoked. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The current password is wrong, or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The token was made for no account of this service, or it keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    requestPasswordReset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordResetMailRequest"];
            };
        };
        responses: {
            /** @description What happens next. */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasswordResetMailResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description This service keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    resetPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordResetRequest"];
            };
        };
        responses: {
            /** @description The new password is set. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The reset token is not valid, or no longer. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description This service keeps no accounts (`AUTH_BUILTIN`). */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The project. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    updateProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectUpdateRequest"];
            };
        };
        responses: {
            /** @description The project as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    deleteProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The project is gone. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listMembers: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The members. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberListResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    addMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberCreateRequest"];
            };
        };
        responses: {
            /** @description The member, or the invitation. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberResponse"] | components["schemas"]["InvitationCreatedResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The person has a role in the project already. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    updateMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose membership: the `sub` of the person’s access tokens, encoded for a URL. */
                subject: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberUpdateRequest"];
            };
        };
        responses: {
            /** @description The member. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or the person is no member of it. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The person owns the project. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    removeMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose membership: the `sub` of the person’s access tokens, encoded for a URL. */
                subject: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The person is no member any more. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or the person is no member of it. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The person owns the project, which always has one owner. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    transferProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectTransferRequest"];
            };
        };
        responses: {
            /** @description The project has another owner. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The person is not a member, or owns the project already; or somebody else transferred it meanwhile. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listInvitations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invitations. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationListResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    withdrawInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id. */
                invitation_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invitation is withdrawn. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or it has no such open invitation. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    acceptInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InvitationAcceptRequest"];
            };
        };
        responses: {
            /** @description The project, with your role. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such invitation: it was used, withdrawn or has expired. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description You have a role in the project already. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    createEndUserToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndUserTokenRequest"];
            };
        };
        responses: {
            /** @description The token. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndUserTokenResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listServiceAccounts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The accounts, the oldest first. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccountResponse"][];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    createServiceAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ServiceAccountCreateRequest"];
            };
        };
        responses: {
            /** @description The account with its key. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccountKeyResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There are 100 service accounts, which is the most. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    rotateServiceAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The service account's id. */
                service_account_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ServiceAccountRotateRequest"];
            };
        };
        responses: {
            /** @description The account with its new key. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccountKeyResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or there is no service account with this id. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The service account has expired, and the request sets no later end. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    revokeServiceAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The service account's id. */
                service_account_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The account is gone. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or there is no service account with this id. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listAllProjects: {
        parameters: {
            query?: {
                /** @description Only those whose Stripe keys are: unconfigured, unverified, unhealthy, healthy. */
                health?: components["schemas"]["Object"] | ("unconfigured" | "unverified" | "unhealthy" | "healthy") | null;
                /** @description Only those of this owner. */
                owner_id?: components["schemas"]["Object"] | string | null;
                /** @description Only the project with this id, or those whose name begins with this text in upper or lower case; the list is then in the order of names. */
                q?: string | null;
                /** @description How many projects at most. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorProjectsResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    provisionProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectProvisionRequest"];
            };
        };
        responses: {
            /** @description The project was there already. It has the new name. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorProjectResponse"];
                };
            };
            /** @description The project was made. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorProjectResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The id is of a deleted project, or of a project of another owner. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    transferAnyProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OperatorTransferRequest"];
            };
        };
        responses: {
            /** @description The project has another owner. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The person owns the project already. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listOperatorServiceAccounts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The accounts, the oldest first. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccountResponse"][];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    createOperatorServiceAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ServiceAccountCreateRequest"];
            };
        };
        responses: {
            /** @description The account with its key. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccountKeyResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There are 100 service accounts, which is the most. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    rotateOperatorServiceAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The service account's id. */
                service_account_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ServiceAccountRotateRequest"];
            };
        };
        responses: {
            /** @description The account with its new key. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccountKeyResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no service account of the operator with this id. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The service account has expired, and the request sets no later end. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    revokeOperatorServiceAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The service account's id. */
                service_account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The account is gone. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no service account of the operator with this id. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getLiveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Alive. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadyResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Not now; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getStripeConfig: {
        parameters: {
            query?: never;
            header?: {
                /** @description Go on only if the `ETag` is one of these, or, with `*`, if there is an active configuration. */
                "If-Match"?: string;
                /** @description Go on only if the `ETag` is none of these, or, with `*`, if there is no active configuration. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The configuration, or `null`. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Stands for this state of the configuration; any change makes it another one. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeConfigResponse"] | null;
                };
            };
            /** @description It is as `If-None-Match` says. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Stands for this state of the configuration; any change makes it another one. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The configuration is in another state than the headers ask for; `ETag` has the current one. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Stands for this state of the configuration; any change makes it another one. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    saveStripeConfig: {
        parameters: {
            query?: {
                /** @description Seconds for which a webhook secret that is replaced is still accepted; the operator's setting if absent. 0 ends it at once, and what still runs from earlier: in the modes whose webhook secret is in the body or, without any, in both. */
                webhook_secret_overlap?: number;
                /** @description Whether to ask Stripe about the given secret keys first, and to store nothing when it does not accept one. */
                validate?: boolean;
            };
            header?: {
                /** @description Go on only if the `ETag` is one of these, or, with `*`, if there is an active configuration. */
                "If-Match"?: string;
                /** @description Go on only if the `ETag` is none of these, or, with `*`, if there is no active configuration. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StripeConfigRequest"];
            };
        };
        responses: {
            /** @description The configuration as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Stands for this state of the configuration; any change makes it another one. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeConfigResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The configuration is in another state than the headers ask for; `ETag` has the current one. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Stands for this state of the configuration; any change makes it another one. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    deleteStripeConfig: {
        parameters: {
            query?: never;
            header?: {
                /** @description Go on only if the `ETag` is one of these, or, with `*`, if there is an active configuration. */
                "If-Match"?: string;
                /** @description Go on only if the `ETag` is none of these, or, with `*`, if there is no active configuration. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The credentials are gone. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or it never had a configuration. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The configuration is in another state than the headers ask for; `ETag` has the current one. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Stands for this state of the configuration; any change makes it another one. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    deleteStripeCredentialsOfMode: {
        parameters: {
            query?: never;
            header?: {
                /** @description Go on only if the `ETag` is one of these, or, with `*`, if there is an active configuration. */
                "If-Match"?: string;
                /** @description Go on only if the `ETag` is none of these, or, with `*`, if there is no active configuration. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description Whose credentials. */
                mode: "test" | "live";
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The credentials of that mode are gone. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or it never had a configuration. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The configuration is in another state than the headers ask for; `ETag` has the current one. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Stands for this state of the configuration; any change makes it another one. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getStripeWebhookUrls: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The URLs. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeWebhookUrlsResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listStripeConfigHistory: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
            };
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of the history. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryList"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    validateStripeCredentials: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ValidateStripeCredentialsRequest"];
            };
        };
        responses: {
            /** @description What Stripe says of the key. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ValidateStripeCredentialsResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listProjectSubscriptions: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
                /** @description Only those of this user, by the `user_id` that a row shows. */
                user_id?: string | null;
                /** @description Only those of this customer, by the `customer_id` that a row shows. */
                customer_id?: string | null;
                /** @description Only those that Stripe made at this time or later. RFC 3339, with `Z` or an offset. */
                created_after?: string | null;
                /** @description Only those that Stripe made before this time. RFC 3339, with `Z` or an offset. */
                created_before?: string | null;
                /** @description Only those whose `updated_at` is this time or later. To poll: read all pages, and ask next time with the last `updated_at` that you have seen. RFC 3339, with `Z` or an offset. */
                updated_since?: string | null;
                /** @description Newest first (`created_at`), or latest change last (`updated_at`, the default beside `updated_since`): one of created_at, updated_at. */
                order?: ("created_at" | "updated_at") | null;
                /** @description Whether to list test mode; else live mode. */
                test_mode?: boolean;
                /** @description Only this one, by the `subscription_id` that a row shows: the id at Stripe. */
                subscription_id?: string | null;
                /** @description Only those with this status: one of active, trialing, past_due, canceled, incomplete, incomplete_expired, unpaid, paused. */
                status?: string | null;
            };
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The subscriptions. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeSubscriptionListResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listProjectPayments: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
                /** @description Only those of this user, by the `user_id` that a row shows. */
                user_id?: string | null;
                /** @description Only those of this customer, by the `customer_id` that a row shows. */
                customer_id?: string | null;
                /** @description Only those that Stripe made at this time or later. RFC 3339, with `Z` or an offset. */
                created_after?: string | null;
                /** @description Only those that Stripe made before this time. RFC 3339, with `Z` or an offset. */
                created_before?: string | null;
                /** @description Only those whose `updated_at` is this time or later. To poll: read all pages, and ask next time with the last `updated_at` that you have seen. RFC 3339, with `Z` or an offset. */
                updated_since?: string | null;
                /** @description Newest first (`created_at`), or latest change last (`updated_at`, the default beside `updated_since`): one of created_at, updated_at. */
                order?: ("created_at" | "updated_at") | null;
                /** @description Whether to list test mode; else live mode. */
                test_mode?: boolean;
                /** @description Only those that pay for this subscription, by the `subscription_id` that a row shows. */
                subscription_id?: string | null;
                /** @description Only those with this status: one of succeeded, partially_refunded, refunded, processing, requires_payment_method, requires_confirmation, requires_action, requires_capture, canceled. */
                status?: string | null;
            };
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The payments. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripePaymentListResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listSubscriptions: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
                /** @description Only those of this user, by the `user_id` that a row shows. */
                user_id?: string | null;
                /** @description Only those of this customer, by the `customer_id` that a row shows. */
                customer_id?: string | null;
                /** @description Only those that Stripe made at this time or later. RFC 3339, with `Z` or an offset. */
                created_after?: string | null;
                /** @description Only those that Stripe made before this time. RFC 3339, with `Z` or an offset. */
                created_before?: string | null;
                /** @description Only those whose `updated_at` is this time or later. To poll: read all pages, and ask next time with the last `updated_at` that you have seen. RFC 3339, with `Z` or an offset. */
                updated_since?: string | null;
                /** @description Newest first (`created_at`), or latest change last (`updated_at`, the default beside `updated_since`): one of created_at, updated_at. */
                order?: ("created_at" | "updated_at") | null;
                /** @description Only those of this project. */
                project_id?: string | null;
                /** @description Only those of test mode, or of live mode; without it those of both. */
                test_mode?: boolean | null;
                /** @description Only this one, by the `subscription_id` that a row shows: the id at Stripe. */
                subscription_id?: string | null;
                /** @description Only those with this status: one of active, trialing, past_due, canceled, incomplete, incomplete_expired, unpaid, paused. */
                status?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The subscriptions. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AggregatedSubscriptionListResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listTransactions: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
                /** @description Only those of this user, by the `user_id` that a row shows. */
                user_id?: string | null;
                /** @description Only those of this customer, by the `customer_id` that a row shows. */
                customer_id?: string | null;
                /** @description Only those that Stripe made at this time or later. RFC 3339, with `Z` or an offset. */
                created_after?: string | null;
                /** @description Only those that Stripe made before this time. RFC 3339, with `Z` or an offset. */
                created_before?: string | null;
                /** @description Only those whose `updated_at` is this time or later. To poll: read all pages, and ask next time with the last `updated_at` that you have seen. RFC 3339, with `Z` or an offset. */
                updated_since?: string | null;
                /** @description Newest first (`created_at`), or latest change last (`updated_at`, the default beside `updated_since`): one of created_at, updated_at. */
                order?: ("created_at" | "updated_at") | null;
                /** @description Only those of this project. */
                project_id?: string | null;
                /** @description Only those of test mode, or of live mode; without it those of both. */
                test_mode?: boolean | null;
                /** @description Only those that pay for this subscription, by the `subscription_id` that a row shows. */
                subscription_id?: string | null;
                /** @description Only those with this status: one of succeeded, partially_refunded, refunded, processing, requires_payment_method, requires_confirmation, requires_action, requires_capture, canceled. */
                status?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The payments. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AggregatedPaymentListResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listPaymentProjects: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The projects. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /**
                     * @description The next page, as `<…>; rel="next"` (RFC 8288), if there is one. Relative to this URL.
                     * @example </api/v1/projects/?page=2&page_size=1000>; rel="next"
                     */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectPaymentConfigListResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getPaymentStats: {
        parameters: {
            query?: {
                /** @description Whether test mode counts as well; else live mode alone. */
                test_mode?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The statistics. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PaymentStatsResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getPaymentStatsSeries: {
        parameters: {
            query?: {
                /** @description The first day (UTC), or a time on it. By default 29 days before the last one. */
                from?: string | null;
                /** @description The last day (UTC), which is included, or the time at which the range ends. By default today. */
                to?: string | null;
                /** @description What one point covers, from its first day (UTC); weeks begin on Monday: one of day, week, month. */
                interval?: "day" | "week" | "month";
                /** @description Only this mode; without it both are added up: one of test, live. */
                mode?: ("test" | "live") | null;
                /** @description Only this project. */
                project_id?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The series. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatsSeriesResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getProjectStatsSeries: {
        parameters: {
            query?: {
                /** @description The first day (UTC), or a time on it. By default 29 days before the last one. */
                from?: string | null;
                /** @description The last day (UTC), which is included, or the time at which the range ends. By default today. */
                to?: string | null;
                /** @description What one point covers, from its first day (UTC); weeks begin on Monday: one of day, week, month. */
                interval?: "day" | "week" | "month";
                /** @description Only this mode; without it both are added up: one of test, live. */
                mode?: ("test" | "live") | null;
            };
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The series. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatsSeriesResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    createCheckoutSession: {
        parameters: {
            query?: {
                /** @description Whether in Stripe's test mode. */
                test_mode?: boolean;
            };
            header?: {
                /** @description Chosen by the caller for one thing to do, 1 to 255 printable characters. The same key and request within 24 hours gives the same answer, marked `Idempotent-Replayed: true`, and does nothing again; errors are not remembered. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StripeCheckoutRequest"];
            };
        };
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeCheckoutResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The payment was declined, needs to be confirmed, or there is no card to pay with; nothing was changed. */
            402: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something in the project's Stripe account is in the way, or a request with the same `Idempotency-Key` still runs. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    openCustomerPortal: {
        parameters: {
            query?: {
                /** @description Whether in Stripe's test mode. */
                test_mode?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CustomerPortalRequest"];
            };
        };
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerPortalResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The payment was declined, needs to be confirmed, or there is no card to pay with; nothing was changed. */
            402: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something in the project's Stripe account is in the way, or a request with the same `Idempotency-Key` still runs. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getMySubscription: {
        parameters: {
            query?: {
                /** @description Whether in Stripe's test mode. */
                test_mode?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The subscription, or `null`. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeSubscriptionResponse"] | null;
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The project's stored secret key can not be opened; its owner has to store it again. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    cancelMySubscription: {
        parameters: {
            query?: {
                /** @description Whether in Stripe's test mode. */
                test_mode?: boolean;
            };
            header?: {
                /** @description Chosen by the caller for one thing to do, 1 to 255 printable characters. The same key and request within 24 hours gives the same answer, marked `Idempotent-Replayed: true`, and does nothing again; errors are not remembered. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CancelSubscriptionRequest"];
            };
        };
        responses: {
            /** @description It is cancelled. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CancelSubscriptionResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The payment was declined, needs to be confirmed, or there is no card to pay with; nothing was changed. */
            402: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something in the project's Stripe account is in the way, or a request with the same `Idempotency-Key` still runs. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    updateMySubscription: {
        parameters: {
            query?: {
                /** @description Whether in Stripe's test mode. */
                test_mode?: boolean;
            };
            header?: {
                /** @description Chosen by the caller for one thing to do, 1 to 255 printable characters. The same key and request within 24 hours gives the same answer, marked `Idempotent-Replayed: true`, and does nothing again; errors are not remembered. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateSubscriptionRequest"];
            };
        };
        responses: {
            /** @description It is on the new plan. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UpdateSubscriptionResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The payment was declined, needs to be confirmed, or there is no card to pay with; nothing was changed. */
            402: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something in the project's Stripe account is in the way, or a request with the same `Idempotency-Key` still runs. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listMyPayments: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
                /** @description Whether in Stripe's test mode. */
                test_mode?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The payments. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripePaymentListResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The project's stored secret key can not be opened; its owner has to store it again. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listGatewayKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys, the oldest first. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GatewayKeyResponse"][];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    createGatewayKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GatewayKeyCreateRequest"];
            };
        };
        responses: {
            /** @description The gateway key. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedGatewayKeyResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The project has 100 gateway keys, which is the most. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    revokeGatewayKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The gateway key's id. */
                gateway_key_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The gateway key is gone. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or no gateway key with this id. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    updateGatewayKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The gateway key's id. */
                gateway_key_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GatewayKeyUpdateRequest"];
            };
        };
        responses: {
            /** @description The gateway key. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GatewayKeyResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or no gateway key with this id. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    rotateGatewayKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The gateway key's id. */
                gateway_key_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["GatewayKeyRotateRequest"];
            };
        };
        responses: {
            /** @description The gateway key with its new text. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedGatewayKeyResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or no gateway key with this id. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The gateway key has expired, and the request sets no later end. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    createStripeWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller for one thing to do, 1 to 255 printable characters. The same key and request within 24 hours gives the same answer, marked `Idempotent-Replayed: true`, and does nothing again; errors are not remembered. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookEndpointCreateRequest"];
            };
        };
        responses: {
            /** @description The endpoint was there already. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpointResponse"];
                };
            };
            /** @description The endpoint was made. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpointResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or the mode has no secret key. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something at Stripe is in the way (an endpoint that was not made here, the limit of endpoints, a key that is refused or lacks a permission), or another call that is not done yet (then with `Retry-After`). */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    deleteStripeWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose endpoint. */
                mode: "test" | "live";
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The endpoint is gone. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or the mode has no secret key, or no endpoint that was made here. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something at Stripe is in the way (an endpoint that was not made here, the limit of endpoints, a key that is refused or lacks a permission), or another call that is not done yet (then with `Retry-After`). */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    getStripeConfigStatus: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state of both modes. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeConfigStatusResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    receiveStripeEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose events: `test` or `live`. */
                mode: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event was received. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookReceipt"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description This URL receives no events; compare it with the project's webhook URL, and store the webhook secret of its mode. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is over 1 MB. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many bodies are arriving from this address; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    listStripeEvents: {
        parameters: {
            query?: {
                /** @description Which page, from 1. */
                page?: number;
                /** @description How many entries a page has. */
                page_size?: number;
                /** @description Only those of this mode. */
                mode?: "test" | "live";
                /** @description Only those with this outcome. */
                outcome?: "applied" | "ignored" | "unreadable" | "failed" | "open";
                /** @description Only those of this type. */
                type?: string | null;
            };
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of them. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeWebhookEventList"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    replayStripeEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Stripe's id of the event. */
                event_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeWebhookEvent"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project, or no event with this id arrived. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Stripe has to be asked, and does not accept the stored key. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The payload of this event is not kept any more. */
            410: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
    reconcileWithStripe: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StripeReconcileRequest"];
            };
        };
        responses: {
            /** @description What was missing or different, and is not any more. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeReconcileResponse"];
                };
            };
            /** @description The request is malformed. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no valid access token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, or one that does not suffice; or the token is not one for this operation. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description There is no such project. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body took more than 15 seconds to arrive. */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Stripe does not accept the stored key, or it lacks a permission. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The body is not `application/json`. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
            /** @description Too many requests; try again after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Something went wrong on our side. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The database, the authorization server or Stripe is not available; try again after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
        };
    };
}
