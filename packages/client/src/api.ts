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
         * @description The projects in which you have a role, with the role, newest first. Operators have one in all. Covers each project in which you have the permission `project:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * Create an account
         * @description Creates the account of a developer, and logs it in. The operator can close the registration (`AUTH_REGISTRATION`).
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
         * @description Starts a session. The form is for OAuth 2 clients, such as the Authorize button of `/docs`.
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
         * Refresh a session
         * @description Exchanges the refresh token for new tokens. A refresh token that was used before ends the session.
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
         * @description The account of the access token.
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
         * @description Ends the session of the access token: its refresh token, and within two seconds all its access tokens.
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
         * @description The active sessions of your account, newest first.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /**
         * End all your sessions
         * @description Logs out all sessions, including this one.
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
         * @description Logs out one session, here or elsewhere. Its access tokens end within two seconds.
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
         * @description Ends all other sessions of the account. The session of the access token stays.
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
         * Request a reset token
         * @description Mails a reset token to the address, at most three within an hour. The answer does not reveal whether an account has the address.
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
         * @description Sets the password, ends all sessions of the account, and invalidates the token.
         */
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign in with a browser
         * @description Starts a session, in place of the one that the browser had. A cookie has its refresh token, and the answer its access token.
         */
        post: operations["signIn"];
        /**
         * Sign out with a browser
         * @description Ends the session of the cookie with its access tokens, and clears the cookie.
         */
        delete: operations["signOut"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Refresh the browser's session
         * @description Exchanges the cookie for the next one, and for an access token. Refresh in one tab at a time: the former cookie works once more, for 30 seconds.
         */
        post: operations["refreshSession"];
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
         * @description With `subject`, the person is a member at once. With `email`, the answer is an invitation for seven days, whose `invite_url` you hand on. It replaces an open invitation of the same address. Where the operator set up mail, the address gets it by mail, too, at most three times an hour; `mailed` says so. Needs the permission `members:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
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
         * @description Ends the person’s role in the project at once. Every member but the owner may leave. Needs the permission `members:write`; it comes with the role `owner`. Every member has it over themselves, whatever their role. Neither operators nor service accounts have it.
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
    "/api/v1/projects/{project_id}/members/me/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show whether you get mails about a project
         * @description Where the operator set up mail, the owner and the admins of a project hear of its problems. Needs the permission `notifications:write`; it comes with the role `viewer`, `admin` or `owner`. Operators have it; service accounts of a project do not.
         */
        get: operations["getMyNotifications"];
        /**
         * Choose whether and where you get mails about a project
         * @description Changes the choice of the caller, for this project. Needs the permission `notifications:write`; it comes with the role `viewer`, `admin` or `owner`. Operators have it; service accounts of a project do not.
         */
        put: operations["updateMyNotifications"];
        post?: never;
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
    "/api/v1/projects/{project_id}/service-accounts/{service_account_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change a service account
         * @description Its name, its networks or its limit. Every process knows within two seconds. Its role stays. Needs the permission `service-accounts:write`; it comes with the role `owner`. Neither operators nor service accounts have it.
         */
        put: operations["updateServiceAccount"];
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
         * @description For the platform’s own backend. The answer shows its key, this once. The command line makes one, too. For operators who are people: a service account manages no service accounts.
         */
        post: operations["createOperatorServiceAccount"];
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
        /**
         * Change a service account of the operator
         * @description Its name, its networks or its limit. Every process knows within two seconds. Its role stays. For operators who are people: a service account manages no service accounts.
         */
        put: operations["updateOperatorServiceAccount"];
        post?: never;
        /**
         * Revoke a service account of the operator
         * @description Its keys are refused by every process within two seconds. For operators who are people: a service account manages no service accounts.
         */
        delete: operations["revokeOperatorServiceAccount"];
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
         * @description The former keys stay valid for a grace period, by default a day. For operators who are people: a service account manages no service accounts.
         */
        post: operations["rotateOperatorServiceAccount"];
        delete?: never;
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
         * Check that the process is alive
         * @description Answers while the process runs, and checks nothing else.
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
         * Check that the process is ready
         * @description Answers 200 if the database is reachable and migrated, and 503 once the process is stopping.
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
    "/api/v1/operator/system": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the state of the installation
         * @description Its processes with their versions, its data keys, and what waits. For operators: people, and service accounts of the operator with the role `viewer` or `admin`.
         */
        get: operations["getSystem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Pull events
         * @description The events that destinations get, for consumers that can not be reached from outside. They are kept for 30 days. Keep `next_cursor`, and ask again with it. Needs the permission `event-log:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["pullEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/event-destinations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the event destinations of a project
         * @description Disabled ones too. No secret is shown. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        get: operations["listEventDestinations"];
        put?: never;
        /**
         * Make an event destination
         * @description From now on, events of the project are sent to the URL, signed by Standard Webhooks 1.0. The answer shows the signing secret, this once. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["createEventDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an event destination
         * @description Its settings, and whether it fails. No secret is shown. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        get: operations["getEventDestination"];
        /**
         * Change an event destination
         * @description Absent fields stay; `headers` replaces all headers. The next attempt uses the new settings. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        put: operations["updateEventDestination"];
        post?: never;
        /**
         * Delete an event destination
         * @description With its secrets. What it has not received yet is not sent any more. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        delete: operations["deleteEventDestination"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new signing secret for an event destination
         * @description During the overlap, by default a day, the former secret signs each event too. With an overlap of 0 all former secrets end. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["rotateEventDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/event-destinations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the event destinations of the operator
         * @description Disabled ones too. No secret is shown. For operators: people, and service accounts of the operator with the role `viewer` or `admin`.
         */
        get: operations["listOperatorEventDestinations"];
        put?: never;
        /**
         * Make an event destination of the operator
         * @description It gets the events of all projects. The answer shows the signing secret, this once. For operators: people, and service accounts of the operator with the role `admin`.
         */
        post: operations["createOperatorEventDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/event-destinations/{destination_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an event destination of the operator
         * @description Its settings, and whether it fails. No secret is shown. For operators: people, and service accounts of the operator with the role `viewer` or `admin`.
         */
        get: operations["getOperatorEventDestination"];
        /**
         * Change an event destination of the operator
         * @description Absent fields stay; `headers` replaces all headers. The next attempt uses the new settings. For operators: people, and service accounts of the operator with the role `admin`.
         */
        put: operations["updateOperatorEventDestination"];
        post?: never;
        /**
         * Delete an event destination of the operator
         * @description With its secrets. What it has not received yet is not sent any more. For operators: people, and service accounts of the operator with the role `admin`.
         */
        delete: operations["deleteOperatorEventDestination"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/event-destinations/{destination_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new signing secret for an event destination of the operator
         * @description During the overlap, by default a day, the former secret signs each event too. With an overlap of 0 all former secrets end. For operators: people, and service accounts of the operator with the role `admin`.
         */
        post: operations["rotateOperatorEventDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the deliveries to an event destination
         * @description With their attempts, and the beginning of the last answer. They are kept for 30 days. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        get: operations["listEventDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}/deliveries/{delivery_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send an event to a destination again
         * @description At once, and with all retries. A delivered event is sent again, too. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["retryEventDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}/recover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a destination what it missed
         * @description Events since then whose delivery failed, and those without a delivery because the destination was disabled, did not exist, or did not receive their type. At most 10,000 of each at once. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["recoverEventDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/event-destinations/{destination_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test event to a destination
         * @description At once and one time, also to a disabled destination. The answer shows what the receiver answered. Needs the permission `event-destinations:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["testEventDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/event-destinations/{destination_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the deliveries to an event destination of the operator
         * @description With their attempts, and the beginning of the last answer. They are kept for 30 days. For operators: people, and service accounts of the operator with the role `viewer` or `admin`.
         */
        get: operations["listOperatorEventDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/event-destinations/{destination_id}/deliveries/{delivery_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send an event to a destination of the operator again
         * @description At once, and with all retries. A delivered event is sent again, too. For operators: people, and service accounts of the operator with the role `admin`.
         */
        post: operations["retryOperatorEventDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/event-destinations/{destination_id}/recover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a destination of the operator what it missed
         * @description Events since then whose delivery failed, and those without a delivery because the destination was disabled, did not exist, or did not receive their type. At most 10,000 of each at once. For operators: people, and service accounts of the operator with the role `admin`.
         */
        post: operations["recoverOperatorEventDestination"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/event-destinations/{destination_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test event to a destination of the operator
         * @description At once and one time, also to a disabled destination. The answer shows what the receiver answered. For operators: people, and service accounts of the operator with the role `admin`.
         */
        post: operations["testOperatorEventDestination"];
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
         * @description Seals and stores the given credentials: all of them or, if one is wrong, none. The answer has masks. Needs the permission `config:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        put: operations["saveStripeConfig"];
        post?: never;
        /**
         * Destroy all Stripe credentials
         * @description Destroys all credentials irrevocably. The inactive configuration, subscriptions and payments stay. Needs the permission `config:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
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
         * @description Destroys the credentials of this mode. The other mode does not change. Needs the permission `config:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
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
         * @description Every change of the project, its members, credentials and webhook endpoints, and every validation, newest first: who, when, from where. Later changes of the history are detected. Needs the permission `history:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
    "/api/v1/payments/stripe/projects/{project_id}/config/history/verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Verify the history
         * @description Checks that this service wrote each entry, that none is missing, and that the stored credentials are those of the history. `tillkeeper audit verify` does it for all projects. Needs the permission `history:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
         */
        get: operations["verifyStripeConfigHistory"];
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
         * @description Asks Stripe whether the key is valid and has all needed permissions. The key is not stored. Needs the permission `config:validate`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
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
         * @description One page of the subscriptions in test or live mode, newest first. Needs the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * @description One page of the payments in test or live mode, newest first. Needs the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * @description One page over all projects in which you have a role, newest first. Any other project gives an empty page. Covers each project in which you have the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * @description One page over all projects in which you have a role, newest first. Any other project gives an empty page. Covers each project in which you have the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * List your projects with their configuration
         * @description The projects in which you have a role, the newest first. Covers each project in which you have the permission `config:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * @description Counts of projects, subscriptions and payments, and revenue: in both modes, or in live mode only. Covers each project in which you have the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * @description Gross and net revenue, refunds, disputes and active subscriptions by day, week or month, and by currency. A payment counts at its creation, a refund at its time, and a dispute at its opening. A project in which you have no role counts as empty. Covers each project in which you have the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * @description Gross and net revenue, refunds, disputes and active subscriptions by day, week or month, and by currency. A payment counts at its creation, a refund at its time, and a dispute at its opening. Needs the permission `ledger:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * @description Creates a page at Stripe where the calling user pays.
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
         * @description Creates a page at Stripe where the calling user manages cards, invoices and subscriptions.
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
         * @description The user's active or newest subscription; `null` if the user never had one.
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
         * @description Ends the subscription at the end of the paid period, or immediately. A repeated call changes nothing.
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
         * @description Changes the price of the user's subscription. The quantity and the other items stay.
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
         * @description One page of the payments and attempts of the calling user, newest first.
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
         * @description Expired and paused ones too. No key is shown. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it; service accounts of a project do not.
         */
        get: operations["listGatewayKeys"];
        put?: never;
        /**
         * Make a gateway key
         * @description A Stripe SDK uses it at the gateway in place of the stored secret key. The answer shows it, this once. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it; service accounts of a project do not.
         */
        post: operations["createGatewayKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/gateway-keys/{gateway_key_id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count the requests of a gateway key
         * @description By day, for 30 days, with the permissions that the requests needed and those that were refused. At most ten seconds behind. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it; service accounts of a project do not.
         */
        get: operations["getGatewayKeyUsage"];
        put?: never;
        post?: never;
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
         * @description Every process refuses it within two seconds. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it; service accounts of a project do not.
         */
        delete: operations["revokeGatewayKey"];
        options?: never;
        head?: never;
        /**
         * Change or pause a gateway key
         * @description Every process applies the change within two seconds. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it; service accounts of a project do not.
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
         * @description The former ones stay valid for a grace period, by default a day. Needs the permission `gateway-keys:write`; it comes with the role `admin` or `owner`. Operators have it; service accounts of a project do not.
         */
        post: operations["rotateGatewayKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operator/projects/{project_id}/gateway": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Pause or resume the gateway for a project
         * @description Every process applies it within two seconds. The members of the project see it in the status, and only an operator can undo it. For operators: people, and service accounts of the operator with the role `admin`.
         */
        put: operations["pauseProjectGateway"];
        post?: never;
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
         * Create the webhook endpoint at Stripe
         * @description Creates the endpoint with the project's own key, and stores its signing secret. An existing endpoint is updated in place if its secret is stored, and replaced otherwise. Needs the permission `endpoints:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
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
         * @description Removes the endpoint that was created here, with its signing secret. An endpoint in another account than the stored key's is out of reach, and only its record here is removed. Needs the permission `endpoints:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
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
         * @description Stripe's last verdict on the stored keys, and the state of the webhooks, for each mode. Needs the permission `config:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
         * @description Called by Stripe. `Stripe-Signature` must have a `v1` of the body's bytes with the project's webhook secret of this mode. Answers 200 after the effect of the event is stored. After any other answer Stripe retries.
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
         * @description Stripe's events with their outcomes, newest first, and the refused deliveries by reason. Needs the permission `events:read`; it comes with the role `viewer`, `admin` or `owner`. Operators have it, and service accounts with the role `viewer` or `admin`.
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
    "/api/v1/payments/stripe/projects/{project_id}/webhook-events/{event_id}/payload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an event's payload
         * @description The event as Stripe sent it, with the data of a customer. The history records who reads it. Needs the permission `events:payload`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        get: operations["getStripeEventPayload"];
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
         * @description Handles the stored event again, as if Stripe had sent it again. An event that was applied before changes nothing twice. The payload must still be stored. Needs the permission `events:replay`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
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
         * @description Reads Stripe's list of events and applies missing ones. Then compares every subscription with Stripe's, and repairs differences. A request stops after 20 seconds: send the same request again. Needs the permission `events:reconcile`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["reconcileWithStripe"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/connect-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the open links of a project
         * @description Links that were not used, revoked or expired. No URL is shown again. Needs the permission `connect-links:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        get: operations["listConnectLinks"];
        put?: never;
        /**
         * Make a link on which a tenant connects Stripe
         * @description The tenant needs no account: the page behind the link asks for a key, checks it, stores it and makes the webhook endpoint. It works once. Needs the permission `connect-links:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        post: operations["createConnectLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/payments/stripe/projects/{project_id}/connect-links/{connect_link_id}": {
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
         * Revoke a link
         * @description Its page then says that the link has ended. Needs the permission `connect-links:write`; it comes with the role `admin` or `owner`. Operators have it, and service accounts with the role `admin`.
         */
        delete: operations["revokeConnectLink"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what a link is about
         * @description Send the link's token as `Authorization: Bearer tkc_…`.
         */
        get: operations["getConnectPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connect/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask Stripe about the tenant's key
         * @description Stores nothing. Send the link's token as `Authorization: Bearer tkc_…`.
         */
        post: operations["checkConnectKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connect/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Store the tenant's key
         * @description Checks the key, stores it, uses the link up, and makes the webhook endpoint. Send the link's token as `Authorization: Bearer tkc_…`.
         */
        post: operations["completeConnectLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    "subscription.created": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * subscription.created
         * @description A subscription is seen for the first time.
         */
        post: operations["onSubscriptionCreatedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subscription.updated": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * subscription.updated
         * @description A subscription changes, and neither is new nor ends with the change.
         */
        post: operations["onSubscriptionUpdatedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subscription.ended": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * subscription.ended
         * @description The status becomes `canceled` or `incomplete_expired`, which are final.
         */
        post: operations["onSubscriptionEndedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subscription.trial_ending": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * subscription.trial_ending
         * @description Stripe announces the end of a trial, usually three days before it. `current_period_end` is the end.
         */
        post: operations["onSubscriptionTrialEndingEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "payment.succeeded": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * payment.succeeded
         * @description A payment succeeds, or changes later other than by a refund.
         */
        post: operations["onPaymentSucceededEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "payment.failed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * payment.failed
         * @description An attempt to pay fails, the payment is cancelled, or such a payment changes.
         */
        post: operations["onPaymentFailedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "payment.refunded": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * payment.refunded
         * @description The refunded amount of a payment grows.
         */
        post: operations["onPaymentRefundedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "payment.disputed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * payment.disputed
         * @description A dispute about a payment is opened, or its status changes.
         */
        post: operations["onPaymentDisputedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "payment.dispute_closed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * payment.dispute_closed
         * @description The status of a dispute becomes `won`, `lost` or `warning_closed`.
         */
        post: operations["onPaymentDisputeClosedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "config.updated": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * config.updated
         * @description Credentials are stored, or some of them destroyed.
         */
        post: operations["onConfigUpdatedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "config.deleted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * config.deleted
         * @description The Stripe configuration is deleted with all credentials.
         */
        post: operations["onConfigDeletedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "credentials.invalid": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * credentials.invalid
         * @description Stripe refuses a stored secret key for the first time since it was stored or accepted.
         */
        post: operations["onCredentialsInvalidEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "credentials.recovered": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * credentials.recovered
         * @description Stripe accepts the secret key of a mode whose last known key it refused.
         */
        post: operations["onCredentialsRecoveredEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "credentials.expiring": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * credentials.expiring
         * @description A former webhook secret ends within 24 hours, and signed the last delivery.
         */
        post: operations["onCredentialsExpiringEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "endpoint.disabled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * endpoint.disabled
         * @description The daily check finds that the webhook endpoint made here brings no events, or not all.
         */
        post: operations["onEndpointDisabledEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "endpoint.recovered": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * endpoint.recovered
         * @description The last problem of the webhook endpoint ends: it is in order or made again, and not silent.
         */
        post: operations["onEndpointRecoveredEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "endpoint.silent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * endpoint.silent
         * @description A project that usually gets events got none for long, and Stripe has some that never arrived.
         */
        post: operations["onEndpointSilentEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "signatures.failing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * signatures.failing
         * @description Five deliveries in a row are refused for their signature.
         */
        post: operations["onSignaturesFailingEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "reconcile.repaired": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * reconcile.repaired
         * @description Reconcile applied events that had never arrived, or corrected subscriptions; once for each run.
         */
        post: operations["onReconcileRepairedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "member.added": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * member.added
         * @description Somebody joins a project, also by an invitation, or as its owner by a transfer to a stranger.
         */
        post: operations["onMemberAddedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "member.removed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * member.removed
         * @description Somebody leaves a project or is removed, also because the account is deleted.
         */
        post: operations["onMemberRemovedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connect.completed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * connect.completed
         * @description A tenant connects Stripe on the page of a connect link.
         */
        post: operations["onConnectCompletedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "destination.failing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * destination.failing
         * @description Every attempt to deliver to a destination failed for one day, and again after three days.
         */
        post: operations["onDestinationFailingEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "destination.disabled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * destination.disabled
         * @description A destination is disabled because it answered 410, or failed for five days.
         */
        post: operations["onDestinationDisabledEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "destination.test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * destination.test
         * @description Somebody asks for a test. It goes to that destination only, whichever types it receives.
         */
        post: operations["onDestinationTestEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /** @description Always `null` in this service. Other implementations of the contract also create a project. */
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
        /** @description The password form of OAuth 2 (RFC 6749, section 4.3.2). */
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
             * @description The password.
             * @example correct horse battery staple
             */
            password: string;
        };
        /** @description A new account. */
        UserCreateRequest: {
            /**
             * Format: email
             * @description The e-mail address, in upper or lower case.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description 8 to 1,000 characters of any script.
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
             * @description The e-mail address, in lower case.
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
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Always `null`: a developer is not a user of a project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id?: string | null;
            /**
             * @description Always `null`. Create a project with `POST /api/v1/projects/`.
             * @example null
             */
            provisioning?: components["schemas"]["ProvisioningData"] | null;
            /**
             * @description Valid for 30 minutes.
             * @example eyJhbGciOiJIUzI1NiJ9.e30.c2ln
             */
            access_token?: string | null;
            /**
             * @description Valid once, for 7 days.
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
             * @description Seconds until the access token expires.
             * @example 1800
             */
            expires_in: number;
        };
        /** @description The problem in one sentence. */
        ErrorResponse: {
            /**
             * @description The problem, and what to do about it.
             * @example There is no project with this id.
             */
            detail: string;
        };
        /** @description One problem of the request. */
        ValidationError: {
            /**
             * @description Location: `body`, `path`, `query` or `header`, then the name.
             * @example [
             *       "body",
             *       "test_secret_key"
             *     ]
             */
            loc: (string | number)[];
            /**
             * @description Advice. It never repeats the value.
             * @example must start with sk_test_; this looks like a live secret key
             */
            msg: string;
            /**
             * @description A stable name for the kind of problem.
             * @example value_error
             */
            type: string;
        };
        /** @description All problems of the request. */
        HTTPValidationError: {
            /** @description One entry for each problem. */
            detail?: components["schemas"]["ValidationError"][];
        };
        /** @description Address and password. */
        UserLoginRequest: {
            /**
             * Format: email
             * @description The address of the account.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description The password.
             * @example correct horse battery staple
             */
            password: string;
        };
        /** @description The tokens of a session. */
        TokenResponse: {
            /**
             * @description Send it as `Authorization: Bearer <token>`. It is valid for 30 minutes.
             * @example eyJhbGciOiJIUzI1NiJ9.e30.c2ln
             */
            access_token: string;
            /**
             * @description For `POST /api/v1/auth/refresh`. It is valid once, for 7 days.
             * @example tkrt_6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            refresh_token?: string | null;
            /**
             * @description Always `bearer`.
             * @example bearer
             */
            token_type: string;
            /**
             * @description Seconds until the access token expires.
             * @example 1800
             */
            expires_in: number;
        };
        /** @description The session to refresh. */
        RefreshRequest: {
            /**
             * @description The latest refresh token. It is valid once.
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
             * @description The e-mail address, in lower case.
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
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Always `null`: a developer is not a user of a project.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id?: string | null;
        };
        /** @description An active session. */
        Session: {
            /**
             * Format: uuid
             * @description The session's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description Whether it is the session of this request's access token.
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
             * @description When the session ends without a refresh.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /**
             * @description Network address of the login.
             * @example 192.0.2.7
             */
            ip: string | null;
            /**
             * @description User agent of the login.
             * @example curl/8.5.0
             */
            user_agent: string | null;
        };
        /** @description One page of the sessions, newest first. */
        SessionList: {
            /** @description The sessions. */
            sessions: components["schemas"]["Session"][];
            /**
             * @description How many sessions there are.
             * @example 1
             */
            total: number;
            /**
             * @description Number of this page.
             * @example 1
             */
            page: number;
            /**
             * @description How many sessions a page has.
             * @example 50
             */
            page_size: number;
        };
        /** @description The current and the new password. */
        ChangePasswordRequest: {
            /**
             * @description The current password.
             * @example correct horse battery staple
             */
            current_password: string;
            /**
             * @description 8 to 1,000 characters of any script.
             * @example a new horse, another staple
             */
            new_password: string;
        };
        /** @description The account with the forgotten password. */
        PasswordResetMailRequest: {
            /**
             * Format: email
             * @description The address of the account.
             * @example ada@example.com
             */
            email: string;
        };
        /** @description The next step. */
        PasswordResetMailResponse: {
            /**
             * @description The next step. Without mail it is to ask the operator.
             * @example If there is an account with this address, a mail with a reset token is on its way to it.
             */
            message: string;
        };
        /** @description A reset token, and the new password. */
        PasswordResetRequest: {
            /**
             * @description The reset token. It is valid once.
             * @example tkp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            token: string;
            /**
             * @description 8 to 1,000 characters of any script.
             * @example a new horse, another staple
             */
            new_password: string;
        };
        /** @description The access token of a browser's session. */
        AccessTokenResponse: {
            /**
             * @description Send it as `Authorization: Bearer <token>`. It is valid for 30 minutes.
             * @example eyJhbGciOiJIUzI1NiJ9.e30.c2ln
             */
            access_token: string;
            /**
             * @description Always `bearer`.
             * @example bearer
             */
            token_type: string;
            /**
             * @description Seconds until the access token expires.
             * @example 1800
             */
            expires_in: number;
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
             * @description Name for people.
             * @example Corner shop
             */
            name: string;
            /**
             * @description A few words about the project.
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
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Time of the last change of name or description.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string | null;
        };
        /** @description A new project. */
        ProjectCreateRequest: {
            /**
             * @description Name for people.
             * @example Corner shop
             */
            name: string;
            /**
             * @description A few words about the project.
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
             * @description Name for people.
             * @example Corner shop
             */
            name?: string | null;
            /**
             * @description A few words about the project.
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
             * @description The role of the person.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin" | "owner";
            /**
             * @description Time of joining; `null` for the owner.
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
             * @description Address of the invited person.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description The role of the person after joining.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * Format: date-time
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description Time at which it expires if it is not used.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /**
             * @description A page on which one person joins, once. It is shown this once: hand it on to the person. What follows `#` is the token for `invitations/accept`.
             * @example https://tillkeeper.example.com/invitations#tki_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa000000
             */
            invite_url: string;
            /**
             * @description Whether a mail is on its way to the address. `false`: hand `invite_url` on yourself, since this service sends no mail, or the address got three invitations by mail within an hour.
             * @example true
             */
            mailed: boolean;
        };
        /** @description The members of a project. */
        MemberListResponse: {
            /** @description The owner, then those who joined first. */
            members: components["schemas"]["MemberResponse"][];
        };
        /** @description A new member: `subject`, or `email` for an invitation. */
        MemberCreateRequest: {
            /**
             * @description The `sub` of the person’s access tokens. With built-in accounts, `id` of `/auth/me`.
             * @example 8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38
             */
            subject?: string;
            /**
             * Format: email
             * @description An address to invite, with built-in accounts. The token alone decides who joins: nobody proves an address here.
             * @example ada@example.com
             */
            email?: string;
            /**
             * @description The role of the person.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
        };
        /** @description A new role for a member. */
        MemberUpdateRequest: {
            /**
             * @description The new role of the member.
             * @example viewer
             * @enum {string}
             */
            role: "viewer" | "admin";
        };
        /** @description The new owner. */
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
             * @description Address of the invited person.
             * @example ada@example.com
             */
            email: string;
            /**
             * @description The role of the person after joining.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * Format: date-time
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description Time at which it expires if it is not used.
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
             * @description The part of the `invite_url` after `#`, or the whole URL.
             * @example tki_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa000000
             */
            token: string;
        };
        /** @description Whether and where you get mails about a project. */
        MemberNotifications: {
            /**
             * @description Whether you get mails about problems of the project. Only its owner and admins do.
             * @example true
             */
            enabled: boolean;
            /**
             * @description The address that you chose; `null` without one.
             * @example oncall@example.com
             */
            notify_email: string | null;
            /**
             * @description Where mails go: the address that you chose, that of your account, or the verified one of your access token. `null` if there is none.
             * @example oncall@example.com
             */
            address: string | null;
        };
        /** @description Whether and where you get mails. Absent fields stay. */
        NotificationsUpdateRequest: {
            /**
             * @description Whether you get mails about problems of the project.
             * @example true
             */
            enabled?: boolean;
            /**
             * @description Where to send them; `null` for the address of your account or of your access token.
             * @example oncall@example.com
             */
            notify_email?: string | null;
        };
        /** @description For whom a token is wanted. */
        EndUserTokenRequest: {
            /**
             * @description What you call this user: 1 to 255 characters without control characters, and neither . nor ... The same text is the same user for ever; other operations show it as a UUID.
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
             * @description Expiry of its key; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string | null;
            /**
             * @description Networks from which its key may be used; `null` for all.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks: string[] | null;
            /**
             * @description Time of the last use of a key, at most a minute behind; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string | null;
            /**
             * @description Expiry of former keys after a rotation; `null` without one.
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
             * @description Name for people.
             * @example Billing backend
             */
            name: string;
            /**
             * @description Its role.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * @description Limit of requests per minute to one process; `null` for the limit of every caller.
             * @example 300
             */
            requests_per_minute: number | null;
            /**
             * Format: date-time
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
        };
        /** @description A new service account. */
        ServiceAccountCreateRequest: {
            /**
             * @description Name for people.
             * @example Billing backend
             */
            name: string;
            /**
             * @description Its role.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * @description Expiry of its key. Without it, the key does not expire.
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
             * @description Limit of requests per minute to one process. Without it, the limit of every caller applies. Only an operator’s account can have a higher one.
             * @example 300
             */
            requests_per_minute?: number | null;
        };
        /** @description A service account, with its new key. */
        ServiceAccountKeyResponse: {
            /**
             * @description Expiry of its key; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string | null;
            /**
             * @description Networks from which its key may be used; `null` for all.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks: string[] | null;
            /**
             * @description Time of the last use of a key, at most a minute behind; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string | null;
            /**
             * @description Expiry of former keys after a rotation; `null` without one.
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
             * @description Name for people.
             * @example Billing backend
             */
            name: string;
            /**
             * @description Its role.
             * @example admin
             * @enum {string}
             */
            role: "viewer" | "admin";
            /**
             * @description Limit of requests per minute to one process; `null` for the limit of every caller.
             * @example 300
             */
            requests_per_minute: number | null;
            /**
             * Format: date-time
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description To be sent as `Authorization: Bearer <key>`. It is not shown again.
             * @example tks_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa4CJoky
             */
            key: string;
        };
        /** @description Changes of a service account. An absent field stays. */
        ServiceAccountUpdateRequest: {
            /**
             * @description Name for people.
             * @example Billing backend
             */
            name?: string | null;
            /**
             * @description Addresses and CIDR ranges from which its keys may be used; `null` for everywhere.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks?: string[] | null;
            /**
             * @description Limit of requests per minute to one process; `null` for the limit of every caller.
             * @example 300
             */
            requests_per_minute?: number | null;
        };
        /** @description Options of a rotation. None is required. */
        ServiceAccountRotateRequest: {
            /**
             * @description For how many seconds the former keys stay valid. 0 ends them at once.
             * @default 86400
             * @example 86400
             */
            grace_seconds?: number;
            /**
             * @description Expiry of the new key. Without it, the expiry of the former key.
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
             * @description The owner.
             * @example developer-1
             */
            owner_id: string;
            /**
             * @description Name for people.
             * @example Corner shop
             */
            name: string;
            /**
             * @description A few words about the project.
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
             * @description What monitoring found wrong in either mode. `endpoint_disabled`: the webhook endpoint made here brings no events, or not all. `endpoint_silent`: Stripe has events that never arrived. `signatures_failing`: deliveries are refused for their signature. `credentials_expiring`: a former webhook secret is still in use, and ends within a day.
             * @example [
             *       "endpoint_disabled"
             *     ]
             */
            problems: ("endpoint_disabled" | "endpoint_silent" | "signatures_failing" | "credentials_expiring")[];
            /**
             * @description Whether an operator has paused the gateway for the project.
             * @example false
             */
            gateway_paused: boolean;
            /**
             * Format: date-time
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description Time of the last change of name or description.
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
        /** @description Owner and name of a project. */
        ProjectProvisionRequest: {
            /**
             * @description The owner: the `sub` of their access tokens.
             * @example developer-1
             */
            owner_id: string;
            /**
             * @description Name for people.
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
        /** @description The process is alive. */
        HealthResponse: {
            /**
             * @description Always `ok`.
             * @example ok
             * @enum {string}
             */
            status: "ok";
        };
        /** @description The process is ready. */
        ReadyResponse: {
            /**
             * @description Always `ok`.
             * @example ok
             * @enum {string}
             */
            status: "ok";
            /**
             * @description Whether changes by other processes reach this process. While they are `lost`, the process bypasses its caches, and the log gives the reason.
             * @example arriving
             * @enum {string}
             */
            change_notifications: "arriving" | "lost";
        };
        /** @description A running server process. */
        SystemProcess: {
            /**
             * @description Its host and process id.
             * @example till-1 42
             */
            name: string;
            /**
             * @description The version that it runs.
             * @example 0.1.0
             */
            version: string;
            /**
             * @description The data key under which it seals.
             * @example 5f2a9c01b7de
             */
            seals_under: string;
            /**
             * @description Data keys that it can not open. Values under them are unreadable to it.
             * @example []
             */
            lacks: string[];
            /**
             * Format: date-time
             * @description When it last reported, which it does every minute.
             * @example 2026-11-21T09:30:00.000Z
             */
            answered_at: string;
        };
        /** @description A data key for stored secrets. The key itself is not shown. */
        SystemDataKey: {
            /**
             * @description Its id.
             * @example 5f2a9c01b7de
             */
            id: string;
            /**
             * @description `published`: every process gets it before it is used. `primary`: new values are sealed under it. `superseded`: old rows are still under it. `retired`: nothing is.
             * @example primary
             * @enum {string}
             */
            state: "published" | "primary" | "superseded" | "retired";
            /**
             * @description The master key that wraps it.
             * @example local
             */
            master_key: string;
            /**
             * @description Rows under it, counted up to 10,000 in each table; `null` for the primary key, whose rows are not counted.
             * @example null
             */
            rows: number | null;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
        };
        /** @description What waits. */
        SystemBacklog: {
            /**
             * @description How many, counted up to 10,000.
             * @example 0
             */
            waiting: number;
            /**
             * @description Since when the oldest waits, besides those to failing destinations; `null` if none does.
             * @example 2026-11-21T09:30:00.000Z
             */
            oldest_at: string | null;
        };
        /** @description `webhooks`: events of Stripe that arrived but are not applied: Stripe sends them again, or somebody replays them. `event_deliveries`: events that wait for an attempt to an enabled destination. `listeners`: events that wait for a listener of a module in the process that answers. */
        SystemBacklogs: {
            webhooks: components["schemas"]["SystemBacklog"];
            event_deliveries: components["schemas"]["SystemBacklog"];
            listeners: components["schemas"]["SystemBacklog"];
        };
        /** @description The state of the installation. */
        OperatorSystemResponse: {
            /**
             * @description The version of the process that answers.
             * @example 0.1.0
             */
            version: string;
            /**
             * @description Whether changes by other processes reach the process that answers.
             * @example arriving
             * @enum {string}
             */
            change_notifications: "arriving" | "lost";
            /** @description The running processes. One that did not report for three minutes is left out. */
            processes: components["schemas"]["SystemProcess"][];
            /** @description The newest first. */
            data_keys: components["schemas"]["SystemDataKey"][];
            backlogs: components["schemas"]["SystemBacklogs"];
        };
        /** @description Some events in the order in which they were published. */
        EventList: {
            /**
             * @description The events, as destinations get them.
             * @example [
             *       {
             *         "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
             *         "type": "subscription.created",
             *         "timestamp": "2026-11-21T09:30:00.000Z",
             *         "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
             *         "mode": "test",
             *         "data": {
             *           "subscription": {
             *             "id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
             *             "version": 2,
             *             "subscription_id": "sub_aaaaaaaaaaaaaaaaaaaaaaaa",
             *             "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
             *             "customer_id": "cus_aaaaaaaaaaaaaa",
             *             "status": "active",
             *             "price_id": "price_aaaaaaaaaaaaaaaaaaaaaaaa",
             *             "plan_name": "Pro",
             *             "quantity": 1,
             *             "current_period_start": "2026-11-21T09:30:00.000Z",
             *             "current_period_end": "2026-12-21T09:30:00.000Z",
             *             "cancel_at": null,
             *             "cancelled_at": null,
             *             "pause": null,
             *             "created_at": "2026-11-21T09:30:00.000Z"
             *           }
             *         }
             *       }
             *     ]
             */
            events: (components["schemas"]["SubscriptionCreatedEvent"] | components["schemas"]["SubscriptionUpdatedEvent"] | components["schemas"]["SubscriptionEndedEvent"] | components["schemas"]["SubscriptionTrialEndingEvent"] | components["schemas"]["PaymentSucceededEvent"] | components["schemas"]["PaymentFailedEvent"] | components["schemas"]["PaymentRefundedEvent"] | components["schemas"]["PaymentDisputedEvent"] | components["schemas"]["PaymentDisputeClosedEvent"] | components["schemas"]["ConfigUpdatedEvent"] | components["schemas"]["ConfigDeletedEvent"] | components["schemas"]["CredentialsInvalidEvent"] | components["schemas"]["CredentialsRecoveredEvent"] | components["schemas"]["CredentialsExpiringEvent"] | components["schemas"]["EndpointDisabledEvent"] | components["schemas"]["EndpointRecoveredEvent"] | components["schemas"]["EndpointSilentEvent"] | components["schemas"]["SignaturesFailingEvent"] | components["schemas"]["ReconcileRepairedEvent"] | components["schemas"]["MemberAddedEvent"] | components["schemas"]["MemberRemovedEvent"] | components["schemas"]["ConnectCompletedEvent"] | components["schemas"]["DestinationFailingEvent"] | components["schemas"]["DestinationDisabledEvent"])[];
            /**
             * @description The cursor of the next request. There is always one: ask again with it later.
             * @example 1795253400000000
             */
            next_cursor: string;
        };
        /** @description An event destination. */
        EventDestinationResponse: {
            /**
             * Format: uuid
             * @description Its id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description The project; `null` for a destination of the operator, which gets the events of all.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Where events are sent.
             * @example https://example.com/events
             */
            url: string;
            /**
             * @description The types that are sent; `null` for all.
             * @example [
             *       "subscription.created",
             *       "payment.succeeded"
             *     ]
             */
            event_types: string[] | null;
            /**
             * @description The mode whose events are sent; `null` for both.
             * @example live
             */
            mode: ("test" | "live") | null;
            /**
             * @description What people call it.
             * @example Billing backend
             */
            description: string | null;
            /**
             * @description The names of the custom headers. Their values are not shown.
             * @example [
             *       "X-Api-Key"
             *     ]
             */
            header_names: string[];
            /**
             * @description Whether events are sent.
             * @example true
             */
            enabled: boolean;
            /**
             * @description Why this service disabled it: `gone` after an answer with 410, `failing` after five days of failures. `null` otherwise.
             * @example failing
             */
            disabled_reason: string | null;
            /**
             * @description When the first attempt since the last success failed; `null` if the last one succeeded.
             * @example 2026-11-21T09:30:00.000Z
             */
            failing_since: string | null;
            /**
             * @description When an attempt last failed; `null` if none did.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_failure_at: string | null;
            /**
             * @description Until when former secrets sign too; `null` if none does.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_secret_expires_at: string | null;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was last changed.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string;
        };
        /** @description A new event destination. */
        EventDestinationCreateRequest: {
            /**
             * @description The types to send; `null` for all, those of later versions too.
             * @example [
             *       "subscription.created",
             *       "payment.succeeded"
             *     ]
             */
            event_types?: ("subscription.created" | "subscription.updated" | "subscription.ended" | "subscription.trial_ending" | "payment.succeeded" | "payment.failed" | "payment.refunded" | "payment.disputed" | "payment.dispute_closed" | "config.updated" | "config.deleted" | "credentials.invalid" | "credentials.recovered" | "credentials.expiring" | "endpoint.disabled" | "endpoint.recovered" | "endpoint.silent" | "signatures.failing" | "reconcile.repaired" | "member.added" | "member.removed" | "connect.completed" | "destination.failing" | "destination.disabled")[] | null;
            /**
             * @description Send events of this mode of Stripe only; `null` for both. Events without a mode are always sent.
             * @example live
             */
            mode?: ("test" | "live") | null;
            /**
             * @description What people call it.
             * @example Billing backend
             */
            description?: string | null;
            /**
             * @description Up to 16 headers to send with each event, for a gateway that asks for a key. They are sealed, and never shown again.
             * @example {
             *       "X-Api-Key": "example"
             *     }
             */
            headers?: {
                [key: string]: string;
            } | null;
            /**
             * @description Whether events are sent. Enabling it again ends the count of its failures.
             * @example true
             */
            enabled?: boolean;
            /**
             * @description Where events are sent: https, a public address, no user name. Outside of production also http and this machine.
             * @example https://example.com/events
             */
            url: string;
        };
        /** @description An event destination, with its new signing secret. */
        EventDestinationSecretResponse: {
            /**
             * Format: uuid
             * @description Its id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description The project; `null` for a destination of the operator, which gets the events of all.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Where events are sent.
             * @example https://example.com/events
             */
            url: string;
            /**
             * @description The types that are sent; `null` for all.
             * @example [
             *       "subscription.created",
             *       "payment.succeeded"
             *     ]
             */
            event_types: string[] | null;
            /**
             * @description The mode whose events are sent; `null` for both.
             * @example live
             */
            mode: ("test" | "live") | null;
            /**
             * @description What people call it.
             * @example Billing backend
             */
            description: string | null;
            /**
             * @description The names of the custom headers. Their values are not shown.
             * @example [
             *       "X-Api-Key"
             *     ]
             */
            header_names: string[];
            /**
             * @description Whether events are sent.
             * @example true
             */
            enabled: boolean;
            /**
             * @description Why this service disabled it: `gone` after an answer with 410, `failing` after five days of failures. `null` otherwise.
             * @example failing
             */
            disabled_reason: string | null;
            /**
             * @description When the first attempt since the last success failed; `null` if the last one succeeded.
             * @example 2026-11-21T09:30:00.000Z
             */
            failing_since: string | null;
            /**
             * @description When an attempt last failed; `null` if none did.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_failure_at: string | null;
            /**
             * @description Until when former secrets sign too; `null` if none does.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_secret_expires_at: string | null;
            /**
             * Format: date-time
             * @description When it was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was last changed.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string;
            /**
             * @description Signs the events by Standard Webhooks 1.0. It is not shown again.
             * @example whsec_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            secret: string;
        };
        /** @description Changes of an event destination. Absent fields stay. */
        EventDestinationUpdateRequest: {
            /**
             * @description The types to send; `null` for all, those of later versions too.
             * @example [
             *       "subscription.created",
             *       "payment.succeeded"
             *     ]
             */
            event_types?: ("subscription.created" | "subscription.updated" | "subscription.ended" | "subscription.trial_ending" | "payment.succeeded" | "payment.failed" | "payment.refunded" | "payment.disputed" | "payment.dispute_closed" | "config.updated" | "config.deleted" | "credentials.invalid" | "credentials.recovered" | "credentials.expiring" | "endpoint.disabled" | "endpoint.recovered" | "endpoint.silent" | "signatures.failing" | "reconcile.repaired" | "member.added" | "member.removed" | "connect.completed" | "destination.failing" | "destination.disabled")[] | null;
            /**
             * @description Send events of this mode of Stripe only; `null` for both. Events without a mode are always sent.
             * @example live
             */
            mode?: ("test" | "live") | null;
            /**
             * @description What people call it.
             * @example Billing backend
             */
            description?: string | null;
            /**
             * @description Up to 16 headers to send with each event, for a gateway that asks for a key. They are sealed, and never shown again.
             * @example {
             *       "X-Api-Key": "example"
             *     }
             */
            headers?: {
                [key: string]: string;
            } | null;
            /**
             * @description Whether events are sent. Enabling it again ends the count of its failures.
             * @example true
             */
            enabled?: boolean;
            /**
             * @description Where events are sent: https, a public address, no user name. Outside of production also http and this machine.
             * @example https://example.com/events
             */
            url?: string;
        };
        /** @description How to rotate. Nothing is required. */
        EventDestinationRotateRequest: {
            /**
             * @description For how many seconds the former secret signs too. 0 ends it and those before it at once.
             * @default 86400
             * @example 86400
             */
            overlap_seconds?: number;
        };
        /** @description One attempt to deliver an event. */
        EventAttempt: {
            /**
             * Format: date-time
             * @description When it began.
             * @example 2026-11-21T09:30:00.000Z
             */
            at: string;
            /**
             * @description The answer's status; `null` without an answer.
             * @example 503
             */
            status: number | null;
            /**
             * @description How long it took, in milliseconds.
             * @example 84
             */
            duration_ms: number;
            /**
             * @description Why it failed; `null` after a success.
             * @example The receiver answered 503.
             */
            error: string | null;
        };
        /** @description The delivery of an event to a destination. */
        EventDeliveryResponse: {
            /**
             * Format: uuid
             * @description The id of the event, which identifies its delivery to the destination too.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description The type of the event.
             * @example payment.succeeded
             */
            type: string;
            /**
             * @description `pending`: it waits for its first or next attempt. `delivered`: an answer was 2xx. `failed`: every attempt failed.
             * @example pending
             * @enum {string}
             */
            state: "pending" | "delivered" | "failed";
            /** @description The last attempts, at most 20, the oldest first. */
            attempts: components["schemas"]["EventAttempt"][];
            /**
             * @description When the next attempt is due; `null` if there is none, or while it is made.
             * @example 2026-11-21T09:30:00.000Z
             */
            next_attempt_at: string | null;
            /**
             * @description The first 64 KB of the last answer. Secrets of the destination are hidden in it.
             * @example Try again later
             */
            response: string | null;
            /**
             * Format: date-time
             * @description When the delivery was made.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
        };
        /** @description One page of deliveries, the newest event first. */
        EventDeliveryListResponse: {
            /** @description The deliveries. */
            deliveries: components["schemas"]["EventDeliveryResponse"][];
            /**
             * @description The cursor of the next page; `null` on the last one.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            next_cursor: string | null;
        };
        /** @description Since when events are to be sent again. */
        EventRecoverRequest: {
            /**
             * Format: date-time
             * @description Events from this time on: RFC 3339, with `Z` or an offset, not in the future.
             * @example 2026-11-21T09:30:00.000Z
             */
            since: string;
        };
        /** @description Deliveries that are sent again. */
        EventRecoverResponse: {
            /**
             * @description How many deliveries are sent again.
             * @example 12
             */
            deliveries: number;
            /**
             * @description Whether there are more: repeat the request when these are delivered.
             * @example false
             */
            has_more: boolean;
        };
        /** @description A valid value that looks wrong. */
        StripeConfigWarning: {
            /**
             * @description A stable name of the warning.
             * @example missing_webhook_secret
             * @enum {string}
             */
            code: "different_accounts" | "account_changed" | "account_shared" | "endpoint_of_other_account" | "same_webhook_secret" | "missing_webhook_secret" | "looks_cut_off";
            /**
             * @description The suspicious credential.
             * @example test_webhook_secret
             * @enum {string}
             */
            field: "test_secret_key" | "test_publishable_key" | "test_webhook_secret" | "live_secret_key" | "live_publishable_key" | "live_webhook_secret";
            /**
             * @description The problem, and its consequence.
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
             * @description When a test credential was last stored; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            test_configured_at: string | null;
            /**
             * @description When a live credential was last stored; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            live_configured_at: string | null;
            /**
             * Format: date-time
             * @description When the configuration was created.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description When the configuration last changed.
             * @example 2026-11-21T09:30:00.000Z
             */
            updated_at: string | null;
            /** @description Warnings about valid values that look wrong. */
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
        /** @description The host of a URL that changed. */
        HistoryHost: {
            /**
             * @description The host before.
             * @example old.example.com
             */
            before: string;
            /**
             * @description The host now.
             * @example example.com
             */
            after: string;
        };
        /** @description The author of a change. */
        HistoryActor: {
            /**
             * @description `person`: somebody with an access token. `service_account`: a machine with a key. `module`: another module of this installation. `system`: the service itself, or its operator.
             * @example person
             * @enum {string}
             */
            kind: "person" | "service_account" | "module" | "system";
            /**
             * @description The `sub` of the token, the id of the service account, or the name of the module or system part.
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
             * @description Name of the field.
             * @example live_secret_key
             */
            field: string;
            /**
             * @description The last four characters of a credential, if its mask shows them.
             * @example aBcD
             */
            last_four: string | null;
        };
        /** @description An entry of the history. It never has the value of a credential. */
        HistoryEntry: {
            /**
             * @description Number of the entry in the project's history, from 1.
             * @example 7
             */
            seq: number;
            /**
             * Format: date-time
             * @description Time of the action.
             * @example 2026-11-21T09:30:00.000Z
             */
            at: string;
            /**
             * @description The action.
             * @example config.updated
             * @enum {string}
             */
            action: "project.created" | "project.updated" | "project.deleted" | "config.created" | "config.updated" | "config.deleted" | "config.mode_deleted" | "credentials.validated" | "credentials.refused" | "webhook_endpoint.created" | "webhook_endpoint.removed" | "webhook_secret.expired" | "webhook_payload.read" | "service_account.created" | "service_account.updated" | "service_account.rotated" | "service_account.revoked" | "gateway_key.created" | "gateway_key.updated" | "gateway_key.rotated" | "gateway_key.revoked" | "gateway.paused" | "gateway.resumed" | "connect_link.created" | "connect_link.revoked" | "connect_link.used" | "event_destination.created" | "event_destination.updated" | "event_destination.rotated" | "event_destination.deleted" | "event_destination.disabled" | "member.added" | "member.changed" | "member.removed" | "invitation.created" | "invitation.withdrawn" | "project.transferred" | "history.pruned";
            /**
             * @description `done`, or for a check of a key `valid`, `invalid`, or `unavailable` if Stripe could not be asked.
             * @example done
             * @enum {string}
             */
            result: "done" | "valid" | "invalid" | "unavailable";
            actor: components["schemas"]["HistoryActor"];
            /**
             * @description Network address of the caller; `null` without a request.
             * @example 192.0.2.7
             */
            ip: string | null;
            /**
             * @description User agent of the client, shortened. Possible keys in it are hidden.
             * @example curl/8.5.0
             */
            user_agent: string | null;
            /**
             * @description `X-Request-Id` of the answer.
             * @example 0d3c9a52-3a5e-4f4e-9a55-0f0a6f0c2b11
             */
            request_id: string | null;
            /**
             * @description The affected mode; `null` if the action has none.
             * @example null
             */
            mode: ("test" | "live") | null;
            /**
             * @description Version of the configuration after the action, which is its `ETag`.
             * @example 3
             */
            version: number | null;
            /** @description Fields that were written or destroyed. */
            fields: components["schemas"]["HistoryField"][];
            /**
             * @description Stripe's id of the created or removed webhook endpoint.
             * @example we_1AAAAAAAAAAAAAAAAAAAAAAA
             */
            endpoint_id: string | null;
            /**
             * @description Id of the created, rotated or revoked service account.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            service_account_id: string | null;
            /**
             * @description Former webhook secrets that the action destroyed early.
             * @example []
             */
            former_webhook_secrets_ended: components["schemas"]["HistoryField"][];
            /**
             * @description `subject` of the added, changed or removed member, or of the new owner.
             * @example 8a7c1f52-9d3b-4e60-b1f4-c25d7e0a9b38
             */
            member: string | null;
            /**
             * @description Id of the created, changed, rotated or revoked gateway key.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            gateway_key_id: string | null;
            /**
             * @description The gateway key's name after the action.
             * @example Python worker
             */
            gateway_key_name: string | null;
            /**
             * @description Stripe's id of the event whose payload was read.
             * @example evt_1AAAAAAAAAAAAAAAAAAAAAAA
             */
            webhook_event_id: string | null;
            /**
             * @description Id of the created, revoked or used connect link.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            connect_link_id: string | null;
            /**
             * @description Role of the member or invitation.
             * @example admin
             */
            role: string | null;
            /**
             * @description Id of the created, withdrawn or used invitation. Its address is not recorded.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            invitation_id: string | null;
            /**
             * @description The event destination that was made, changed, deleted or disabled. Only the host of its URL is recorded.
             * @example 7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74
             */
            event_destination_id: string | null;
            /** @description The host of the event destination before and after; `null` unless its URL changed. */
            event_destination_host: components["schemas"]["HistoryHost"] | null;
        };
        /** @description One page of a project's history, newest first. */
        HistoryList: {
            /** @description The entries. */
            entries: components["schemas"]["HistoryEntry"][];
            /**
             * @description Number of entries with these filters on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Number of this page.
             * @example 1
             */
            page: number;
            /**
             * @description Entries per page.
             * @example 50
             */
            page_size: number;
        };
        /** @description Whether the history is as it was written. */
        HistoryVerification: {
            /**
             * @description Whether there are no problems.
             * @example true
             */
            valid: boolean;
            /**
             * @description Number of verified entries.
             * @example 7
             */
            entries: number;
            /**
             * @description Entries that were altered, moved, forged or removed, and credentials that contradict them.
             * @example []
             */
            problems: string[];
            /**
             * Format: date-time
             * @description Time of the verification.
             * @example 2026-11-21T09:30:00.000Z
             */
            verified_at: string;
        };
        /** @description A secret key to ask Stripe about. It is not stored. */
        ValidateStripeCredentialsRequest: {
            /**
             * @description A secret key or a restricted key.
             * @example sk_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            secret_key: string;
            /**
             * @description Whether the key is for test mode instead of live mode.
             * @default true
             * @example true
             */
            is_test_mode?: boolean;
        };
        /** @description The verdict on the key. */
        ValidateStripeCredentialsResponse: {
            /**
             * @description Whether Stripe accepts the key with all needed permissions.
             * @example true
             */
            valid: boolean;
            /**
             * @description The reason, and what to do.
             * @example Stripe accepts this key.
             */
            message: string;
        };
        /** @description A pause of the payment collection, or of the whole subscription. */
        StripeSubscriptionPause: {
            /**
             * @description Treatment of invoices while the collection is paused: `keep_as_draft`, `mark_uncollectible` or `void`. `null` if the collection is not paused.
             * @example void
             */
            behavior: string | null;
            /**
             * @description When the collection resumes; `null` without a scheduled time.
             * @example 2026-11-21T09:30:00.000Z
             */
            resumes_at: string | null;
            /**
             * @description Stripe's reason for the status `paused`, such as `trial_end_without_payment_method` or `pause_requested`. `null` with another status, or if Stripe gave no reason.
             * @example trial_end_without_payment_method
             */
            reason: string | null;
        };
        /** @description A subscription, as Stripe last reported it. */
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
             * @description The user's id; `null` if the user is unknown.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            user_id: string | null;
            /**
             * @description Whether it is in test mode.
             * @example true
             */
            is_test_mode: boolean;
            /**
             * @description Stripe's id of the subscription.
             * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            subscription_id: string;
            /**
             * @description Stripe's id of the customer (`cus_…`), or of the account that is the customer (`acct_…`).
             * @example cus_aaaaaaaaaaaaaa
             */
            customer_id: string | null;
            /**
             * @description Stripe's status.
             * @example active
             */
            status: string;
            /**
             * @description Name of the plan.
             * @example Pro
             */
            plan_name: string | null;
            /**
             * @description Quantity of the plan.
             * @example 1
             */
            quantity: number;
            /**
             * @description Start of the current period.
             * @example 2026-11-21T09:30:00.000Z
             */
            current_period_start: string | null;
            /**
             * @description End of the current period.
             * @example 2026-11-21T09:30:00.000Z
             */
            current_period_end: string | null;
            /**
             * @description The scheduled end, even after the subscription has ended; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancel_at: string | null;
            /**
             * @description Time of the request to cancel.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancelled_at: string | null;
            /**
             * @description The pause; `null` if the subscription is not paused.
             * @example {
             *       "behavior": "void",
             *       "resumes_at": "2026-12-21T09:30:00.000Z",
             *       "reason": null
             *     }
             */
            pause: components["schemas"]["StripeSubscriptionPause"] | null;
            /**
             * @description Whether the subscription belongs to another Stripe account than the stored key, as Stripe reported for both. If so, the row has the last known state, and the subscription is nobody's current one.
             * @example false
             */
            account_mismatch: boolean;
            /**
             * Format: date-time
             * @description When Stripe created it.
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
        /** @description One page of a project's subscriptions, newest first. */
        StripeSubscriptionListResponse: {
            /**
             * @description Number of rows on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Whether `total` is exact. With filters other than project, mode and status, rows are counted up to 10,000.
             * @example true
             */
            total_is_exact: boolean;
            /**
             * @description Number of this page, from 1.
             * @example 1
             */
            page: number;
            /**
             * @description Rows per page.
             * @example 50
             */
            page_size: number;
            /** @description The subscriptions of this page. */
            subscriptions: components["schemas"]["StripeSubscriptionResponse"][];
        };
        /** @description A payment or an attempt to pay, as Stripe last reported it. */
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
             * @description Our id of the paid subscription; `null` without one.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            subscription_id: string | null;
            /**
             * @description The user's id; `null` if the user is unknown.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            user_id: string | null;
            /**
             * @description Stripe's id of the customer (`cus_…`), or of the account that is the customer (`acct_…`).
             * @example cus_aaaaaaaaaaaaaa
             */
            customer_id: string | null;
            /**
             * @description Whether it is in test mode.
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
             * @description Amount in the smallest unit of the currency.
             * @example 2000
             */
            amount_cents: number;
            /**
             * @description ISO 4217, in lower case.
             * @example usd
             */
            currency: string;
            /**
             * @description `stripe`: Stripe collected the money. `out_of_band`: it was paid outside of Stripe, for instance in cash.
             * @default stripe
             * @example stripe
             * @enum {string}
             */
            source: "stripe" | "out_of_band";
            /**
             * @description Description of the payment.
             * @example Subscription creation
             */
            description: string | null;
            /**
             * @description Refunded amount in the smallest unit of the currency.
             * @default 0
             * @example 0
             */
            refunded_amount_cents: number;
            /**
             * @description Stripe's status of the latest dispute about the payment; `null` without one.
             * @example needs_response
             */
            dispute_status: string | null;
            /**
             * Format: date-time
             * @description When Stripe created it.
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
        /** @description One page of payments, newest first. */
        StripePaymentListResponse: {
            /**
             * @description Number of rows on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Whether `total` is exact. With filters other than project, mode and status, rows are counted up to 10,000.
             * @example true
             */
            total_is_exact: boolean;
            /**
             * @description Number of this page, from 1.
             * @example 1
             */
            page: number;
            /**
             * @description Rows per page.
             * @example 50
             */
            page_size: number;
            /** @description The payments. */
            payments: components["schemas"]["StripePaymentResponse"][];
        };
        /** @description A subscription with its project. */
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
             * @description The user's id; `null` if the user is unknown.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            user_id: string | null;
            /**
             * @description Whether it is in test mode.
             * @example true
             */
            is_test_mode: boolean;
            /**
             * @description Stripe's id of the subscription.
             * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            subscription_id: string;
            /**
             * @description Stripe's id of the customer (`cus_…`), or of the account that is the customer (`acct_…`).
             * @example cus_aaaaaaaaaaaaaa
             */
            customer_id: string | null;
            /**
             * @description Stripe's status.
             * @example active
             */
            status: string;
            /**
             * @description Name of the plan.
             * @example Pro
             */
            plan_name: string | null;
            /**
             * @description Quantity of the plan.
             * @example 1
             */
            quantity: number;
            /**
             * @description Start of the current period.
             * @example 2026-11-21T09:30:00.000Z
             */
            current_period_start: string | null;
            /**
             * @description End of the current period.
             * @example 2026-11-21T09:30:00.000Z
             */
            current_period_end: string | null;
            /**
             * @description The scheduled end, even after the subscription has ended; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancel_at: string | null;
            /**
             * @description Time of the request to cancel.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancelled_at: string | null;
            /**
             * @description The pause; `null` if the subscription is not paused.
             * @example {
             *       "behavior": "void",
             *       "resumes_at": "2026-12-21T09:30:00.000Z",
             *       "reason": null
             *     }
             */
            pause: components["schemas"]["StripeSubscriptionPause"] | null;
            /**
             * @description Whether the subscription belongs to another Stripe account than the stored key, as Stripe reported for both. If so, the row has the last known state, and the subscription is nobody's current one.
             * @example false
             */
            account_mismatch: boolean;
            /**
             * Format: date-time
             * @description When Stripe created it.
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
        /** @description One page of the subscriptions of all readable projects, newest first. */
        AggregatedSubscriptionListResponse: {
            /**
             * @description Number of rows on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Whether `total` is exact. With filters other than project, mode and status, rows are counted up to 10,000.
             * @example true
             */
            total_is_exact: boolean;
            /**
             * @description Number of this page, from 1.
             * @example 1
             */
            page: number;
            /**
             * @description Rows per page.
             * @example 50
             */
            page_size: number;
            /** @description The subscriptions of this page. */
            subscriptions: components["schemas"]["AggregatedSubscriptionResponse"][];
        };
        /** @description A payment with its project. */
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
             * @description Our id of the paid subscription; `null` without one.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            subscription_id: string | null;
            /**
             * @description The user's id; `null` if the user is unknown.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            user_id: string | null;
            /**
             * @description Stripe's id of the customer (`cus_…`), or of the account that is the customer (`acct_…`).
             * @example cus_aaaaaaaaaaaaaa
             */
            customer_id: string | null;
            /**
             * @description Whether it is in test mode.
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
             * @description Amount in the smallest unit of the currency.
             * @example 2000
             */
            amount_cents: number;
            /**
             * @description ISO 4217, in lower case.
             * @example usd
             */
            currency: string;
            /**
             * @description `stripe`: Stripe collected the money. `out_of_band`: it was paid outside of Stripe, for instance in cash.
             * @default stripe
             * @example stripe
             * @enum {string}
             */
            source: "stripe" | "out_of_band";
            /**
             * @description Description of the payment.
             * @example Subscription creation
             */
            description: string | null;
            /**
             * @description Refunded amount in the smallest unit of the currency.
             * @default 0
             * @example 0
             */
            refunded_amount_cents: number;
            /**
             * @description Stripe's status of the latest dispute about the payment; `null` without one.
             * @example needs_response
             */
            dispute_status: string | null;
            /**
             * Format: date-time
             * @description When Stripe created it.
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
        /** @description One page of the payments of all readable projects, newest first. */
        AggregatedPaymentListResponse: {
            /**
             * @description Number of rows on all pages.
             * @example 1
             */
            total: number;
            /**
             * @description Whether `total` is exact. With filters other than project, mode and status, rows are counted up to 10,000.
             * @example true
             */
            total_is_exact: boolean;
            /**
             * @description Number of this page, from 1.
             * @example 1
             */
            page: number;
            /**
             * @description Rows per page.
             * @example 50
             */
            page_size: number;
            /** @description The payments of this page. */
            payments: components["schemas"]["AggregatedPaymentResponse"][];
        };
        /** @description A project with its configuration. */
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
             * @description The project's description.
             * @example Tea and cake
             */
            description: string | null;
            /**
             * @description Whether the project has an active Stripe configuration.
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
             * @description When a test credential was last stored; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            test_configured_at: string | null;
            /**
             * @description When a live credential was last stored; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            live_configured_at: string | null;
            /**
             * @description Always `true`: deleted projects are not listed.
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
        /** @description All readable projects, newest first. */
        ProjectPaymentConfigListResponse: {
            /** @description The projects. */
            projects: components["schemas"]["ProjectPaymentConfigResponse"][];
            /**
             * @description Number of projects.
             * @example 1
             */
            total: number;
        };
        /** @description Revenue in one currency. */
        CurrencyRevenue: {
            /**
             * @description ISO 4217, in lower case.
             * @example usd
             */
            currency: string;
            /**
             * @description Successful payments, including refunded ones.
             * @example 1
             */
            successful_payments: number;
            /**
             * @description Gross revenue in the smallest unit of the currency.
             * @example 2000
             */
            total_revenue_cents: number;
            /**
             * @description Revenue less refunds and lost disputes.
             * @example 2000
             */
            net_revenue_cents: number;
            /**
             * @description Part of `total_revenue_cents` that was paid outside of Stripe.
             * @example 0
             */
            out_of_band_revenue_cents: number;
        };
        /** @description Statistics of all readable projects. Currencies are never added up. */
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
             * @description Subscriptions, including ended ones.
             * @example 1
             */
            total_subscriptions: number;
            /**
             * @description Subscriptions that are active or trialing.
             * @example 1
             */
            active_subscriptions: number;
            /**
             * @description Payments, including failed ones.
             * @example 1
             */
            total_payments: number;
            /**
             * @description Successful payments in all currencies, including refunded ones.
             * @example 1
             */
            successful_payments: number;
            /**
             * @description Gross revenue in `currency`.
             * @example 2000
             */
            total_revenue_cents: number;
            /**
             * @description Revenue in `currency` less refunds and lost disputes.
             * @example 2000
             */
            net_revenue_cents: number;
            /**
             * @description Part of `total_revenue_cents` that was paid outside of Stripe.
             * @example 0
             */
            out_of_band_revenue_cents: number;
            /**
             * @description The most used currency (ISO 4217, lower case).
             * @default usd
             * @example usd
             */
            currency: string;
            /** @description Revenue in each currency, most used first. */
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
             * @description Decimals of the amounts: 2 for USD, 0 for JPY, 3 for KWD. Stripe uses 2 for ISK and UGX.
             * @example 2
             */
            decimals: number;
            /**
             * @description Successful payments of the interval, including refunded ones.
             * @example 1
             */
            successful_payments: number;
            /**
             * @description Gross amount of these payments.
             * @example 2000
             */
            gross_revenue_cents: number;
            /**
             * @description Refunds in the interval, including refunds of earlier payments.
             * @example 0
             */
            refunded_cents: number;
            /**
             * @description Disputes that were opened in the interval, won or lost, with inquiries.
             * @example 0
             */
            disputes: number;
            /**
             * @description Amount of these disputes.
             * @example 0
             */
            disputed_cents: number;
            /**
             * @description Gross less refunds, and less lost disputes that were opened in the interval.
             * @example 2000
             */
            net_revenue_cents: number;
        };
        /** @description One interval of the series. */
        StatsSeriesPoint: {
            /**
             * Format: date
             * @description First day of the interval (UTC).
             * @example 2026-11-21
             */
            start: string;
            /**
             * @description Subscriptions that are active or trialing at the end of the interval, or now if it has not ended.
             * @example 1
             */
            active_subscriptions: number;
            /** @description One entry for each currency of the series, in the order of their names. */
            revenue: components["schemas"]["SeriesRevenue"][];
        };
        /** @description Revenue and active subscriptions over time. Currencies are never added up. */
        StatsSeriesResponse: {
            /**
             * Format: date
             * @description The requested first day.
             * @example 2026-11-21
             */
            from: string;
            /**
             * Format: date
             * @description The requested last day, inclusive.
             * @example 2026-11-21
             */
            to: string;
            /**
             * @description The length of one point.
             * @example day
             * @enum {string}
             */
            interval: "day" | "week" | "month";
            /**
             * @description `test`, `live`, or `null` for both.
             * @example test
             */
            mode: string | null;
            /** @description All intervals from `from` to `to`, oldest first. The first and the last interval are complete. */
            points: components["schemas"]["StatsSeriesPoint"][];
        };
        /** @description The purchase. */
        StripeCheckoutRequest: {
            /**
             * @description Stripe's id of the price.
             * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            price_id: string;
            /**
             * @description URL for the buyer after the payment. Stripe replaces `{CHECKOUT_SESSION_ID}` by the id of the session. An absolute `https` URL, or `http` on a loopback host in test mode.
             * @example https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}
             */
            success_url: string;
            /**
             * @description URL for a buyer who does not pay. An absolute `https` URL, or `http` on a loopback host in test mode.
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
             * @description Metadata for the session, and for its subscription or payment: up to 48 entries, names of 40 characters, values of 500. `user_id` and `project_id` are always set here.
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
        /** @description A page at Stripe for this buyer. */
        StripeCheckoutResponse: {
            /**
             * @description Stripe's id of the session.
             * @example cs_test_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            session_id: string;
            /**
             * @description URL to redirect the buyer to.
             * @example https://checkout.stripe.com/c/pay/cs_test_…
             */
            checkout_url: string;
        };
        /** @description URL to which the portal returns. */
        CustomerPortalRequest: {
            /**
             * @description URL to which the portal returns. An absolute `https` URL, or `http` on a loopback host in test mode.
             * @example https://shop.example.com/account
             */
            return_url: string;
        };
        /** @description Stripe's page where the buyer manages cards, invoices and subscriptions. */
        CustomerPortalResponse: {
            /**
             * @description URL to redirect the buyer to.
             * @example https://billing.stripe.com/p/session/…
             */
            portal_url: string;
        };
        /** @description The time of the cancellation. */
        CancelSubscriptionRequest: {
            /**
             * @description Whether to end the subscription immediately, without a refund, instead of at the end of the paid period.
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
             * @description The scheduled end; `null` if the subscription has ended.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancel_at: string | null;
            /**
             * @description Time of the request to cancel.
             * @example 2026-11-21T09:30:00.000Z
             */
            cancelled_at: string | null;
            /**
             * @description A message for the buyer.
             * @example The subscription ends on 2026-12-21.
             */
            message: string;
        };
        /** @description The new price. */
        UpdateSubscriptionRequest: {
            /**
             * @description Stripe's id of the price to change to.
             * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            new_price_id: string;
            /**
             * @description How the difference is billed. `create_prorations`: with the next invoice. `always_invoice`: immediately, with its own invoice. `none`: not at all.
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
             * @description Stripe's id of the current price.
             * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            price_id: string;
            /**
             * @description A message for the buyer.
             * @example The subscription is on its new plan.
             */
            message: string;
        };
        /** @description A gateway key, without the key. */
        GatewayKeyResponse: {
            /**
             * @description Expiry of its key; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string | null;
            /**
             * @description Networks from which its key may be used; `null` for all.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks: string[] | null;
            /**
             * @description Time of the last use of a key, at most a minute behind; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string | null;
            /**
             * @description Expiry of former keys after a rotation; `null` without one.
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
             * @description Name for people.
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
             * @description Permissions of the key, by resource.
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
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
        };
        /** @description A new gateway key. */
        GatewayKeyCreateRequest: {
            /**
             * @description Name for people.
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
             * @description Expiry of the key. Without it, the key does not expire.
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
             * @description Expiry of its key; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string | null;
            /**
             * @description Networks from which its key may be used; `null` for all.
             * @example [
             *       "203.0.113.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            networks: string[] | null;
            /**
             * @description Time of the last use of a key, at most a minute behind; `null` for never.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string | null;
            /**
             * @description Expiry of former keys after a rotation; `null` without one.
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
             * @description Name for people.
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
             * @description Permissions of the key, by resource.
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
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Given to a Stripe SDK in place of a secret key. It is not shown again.
             * @example tkg_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa4awSOR
             */
            key: string;
        };
        /** @description A permission that requests of one day needed. */
        PermissionUsageResponse: {
            /**
             * @description The resource.
             * @example customers
             */
            resource: string;
            /**
             * @description Action of the requests.
             * @example read
             * @enum {string}
             */
            action: "read" | "write";
            /**
             * @description Requests that needed it.
             * @example 120
             */
            requests: number;
            /**
             * @description Those that the key was refused for.
             * @example 0
             */
            refused: number;
        };
        /** @description Requests of one day. */
        GatewayKeyDayResponse: {
            /**
             * Format: date
             * @description The day, in UTC.
             * @example 2026-11-21
             */
            day: string;
            /**
             * @description All requests.
             * @example 124
             */
            requests: number;
            /**
             * @description Requests with an error of Stripe or of the gateway.
             * @example 3
             */
            errors: number;
            /**
             * @description Requests without the needed permission.
             * @example 1
             */
            refused: number;
            /** @description The permissions that they needed. */
            permissions: components["schemas"]["PermissionUsageResponse"][];
        };
        /** @description Use of a gateway key. */
        GatewayKeyUsageResponse: {
            /** @description The days with requests, the newest first. */
            days: components["schemas"]["GatewayKeyDayResponse"][];
            /**
             * @description The smallest permissions that cover all requests of these days that were allowed.
             * @example {
             *       "customers": "read"
             *     }
             */
            used_permissions: {
                [key: string]: "read" | "write";
            };
        };
        /** @description Changes of a gateway key. An absent field stays as it is. */
        GatewayKeyUpdateRequest: {
            /**
             * @description Name for people.
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
        /** @description Options of a rotation. None is required. */
        GatewayKeyRotateRequest: {
            /**
             * @description For how many seconds the former keys stay valid. 0 ends them at once.
             * @default 86400
             * @example 86400
             */
            grace_seconds?: number;
            /**
             * @description Expiry of the new key. Without it, the expiry of the former key.
             * @example 2040-01-01T00:00:00.000Z
             */
            expires_at?: string | null;
        };
        /** @description Whether the gateway is paused for a project. */
        ProjectGateway: {
            /**
             * @description Whether every request with one of the project's gateway keys is refused.
             * @example true
             */
            paused: boolean;
        };
        /** @description The webhook endpoint to create. */
        WebhookEndpointCreateRequest: {
            /**
             * @description Mode of the events.
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
             * @description URL to which Stripe sends the events.
             * @example https://tillkeeper.example.com/api/v1/payments/stripe/webhooks/…/test
             */
            url: string;
            /**
             * @description Types of the events that Stripe sends.
             * @example [
             *       "checkout.session.completed",
             *       "checkout.session.async_payment_succeeded",
             *       "checkout.session.async_payment_failed",
             *       "customer.subscription.created",
             *       "customer.subscription.updated",
             *       "customer.subscription.deleted",
             *       "customer.subscription.paused",
             *       "customer.subscription.resumed",
             *       "customer.subscription.trial_will_end",
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
             * @description Stripe's API version of the events.
             * @example 2026-10-28.endive
             */
            version: string;
        };
        /** @description The state of one mode's webhooks. */
        StripeWebhookStatus: {
            /**
             * @description Stripe's id of the endpoint that was created here; `null` without one.
             * @example we_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            endpoint_id: string | null;
            /**
             * @description What the last check found wrong with the endpoint that was created here: `missing` at Stripe, `disabled` there, with an `other_url`, with `missing_events`, or with an `old_version` of the API from before 2018. `null` if nothing is known to be wrong.
             * @example disabled
             */
            endpoint_problem: ("missing" | "disabled" | "other_url" | "missing_events" | "old_version") | null;
            /**
             * @description When a check first found this problem; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            endpoint_problem_since: string | null;
            /**
             * @description When events of Stripe were found that had never arrived, in a project that usually gets events; `null` otherwise.
             * @example 2026-11-21T09:30:00.000Z
             */
            silent_since: string | null;
            /**
             * @description Deliveries in a row that were refused for their signature, since the last one that was accepted.
             * @example 0
             */
            signature_failures: number;
            /**
             * @description When the first of them arrived; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            signature_failures_since: string | null;
            /**
             * @description Their likely cause: `wrong_secret`, the stored secret is not that of the endpoint; `other_mode`, it is that of the other mode; `changed_body`, a proxy changes bodies. `null` without one.
             * @example wrong_secret
             */
            signature_failure_cause: ("wrong_secret" | "other_mode" | "changed_body") | null;
            /**
             * @description End of the overlap in which a former webhook secret is valid too; `null` without one.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_secret_valid_until: string | null;
            /**
             * @description When a delivery last had the signature of a former webhook secret and none of the current one; `null` if none did.
             * @example 2026-11-21T09:30:00.000Z
             */
            former_secret_used_at: string | null;
            /**
             * @description When the last event arrived; `null` before the first event.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_event_at: string | null;
            /**
             * @description When a delivery last failed or was unreadable; `null` if none did.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_failure_at: string | null;
            /**
             * @description Reason of the last failure, or that the stored webhook secret can not be unsealed.
             * @example The signature does not match the stored webhook secret.
             */
            last_failure_reason: string | null;
            /**
             * @description Number of events in a form that this version does not know. `webhook-events?outcome=unreadable` lists them.
             * @example 0
             */
            unreadable_events: number;
        };
        /** @description The state of one mode's connection to Stripe. */
        StripeModeStatus: {
            /**
             * @description `not_configured`: no secret key is stored. `unverified`: Stripe was not asked about the stored key yet. `valid`, `invalid`: Stripe's last verdict, by a validation or a call with the key. A stored key that can not be unsealed is `invalid` too.
             * @example valid
             * @enum {string}
             */
            state: "not_configured" | "unverified" | "valid" | "invalid";
            /**
             * @description Id of the Stripe account, if known.
             * @example acct_1AAAAAAAAAAAAAAA
             */
            account_id: string | null;
            /**
             * @description Name of the Stripe account, if known.
             * @example Corner shop
             */
            account_name: string | null;
            /**
             * @description Time of Stripe's last verdict on the stored key.
             * @example 2026-11-21T09:30:00.000Z
             */
            verified_at: string | null;
            /**
             * @description Occasion of the verdict: the validate operation, a save with `validate=true`, or a call with the key, by the daily check too.
             * @example validation
             */
            verified_by: ("validation" | "save" | "use") | null;
            /**
             * @description When the daily check last asked Stripe about key and endpoint; `null` before the first one.
             * @example 2026-11-21T09:30:00.000Z
             */
            checked_at: string | null;
            /**
             * @description Why the key is invalid, and what to do.
             * @example This key has expired; make a new one in the Stripe dashboard.
             */
            last_error: string | null;
            webhook: components["schemas"]["StripeWebhookStatus"];
        };
        /** @description The state of a project's connections to Stripe. */
        StripeConfigStatusResponse: {
            test: components["schemas"]["StripeModeStatus"];
            live: components["schemas"]["StripeModeStatus"];
            /**
             * @description Whether the operator has paused the gateway, which then refuses all of the project's keys.
             * @example false
             */
            gateway_paused: boolean;
        };
        /** @description The committed outcome of the event. */
        WebhookReceipt: {
            /**
             * @description Always `true`.
             * @example true
             */
            received: boolean;
            /**
             * @description `applied`: the effect is stored. `ignored`: the event has no effect here. `unreadable`: this version does not know the event's form; the event is stored for a replay. `duplicate`: the event was applied or ignored before.
             * @example applied
             * @enum {string}
             */
            outcome: "applied" | "ignored" | "unreadable" | "duplicate";
        };
        /** @description An event of Stripe with its outcome. */
        StripeWebhookEvent: {
            /**
             * @description Stripe's id of the event.
             * @example evt_1AAAAAAAAAAAAAAAAAAAAAAA
             */
            id: string;
            /**
             * @description Mode of the event.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description Type of the event.
             * @example invoice.paid
             */
            type: string;
            /**
             * @description Stripe's API version of the event; `null` if the event has none.
             * @example 2026-10-28.endive
             */
            api_version: string | null;
            /**
             * @description `applied`: the effect is stored. `ignored`: the event has no effect here. `unreadable`: this version does not know the event's form; replay it after an update. `failed`: the event could not be applied, and Stripe retries. `open`: Stripe retries too, but the owner has to correct what `reason` says first.
             * @example applied
             * @enum {string}
             */
            outcome: "applied" | "ignored" | "unreadable" | "failed" | "open";
            /**
             * @description Why the event was not applied.
             * @example Stripe does not accept the stored secret key; store a new one.
             */
            reason: string | null;
            /**
             * @description When the event last failed or was unreadable, even if it was applied later; `null` if it never did.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_failure_at: string | null;
            /**
             * @description Reason of the last failure.
             * @example Stripe can not be reached at the moment; try again shortly.
             */
            last_failure_reason: string | null;
            /**
             * @description Number of deliveries after the event was applied or ignored.
             * @example 0
             */
            duplicate_count: number;
            /**
             * @description Whether the payload is still stored, so that the event can be replayed.
             * @example true
             */
            replayable: boolean;
            /**
             * @description Stripe's id of the subscription that the event is about; `null` if it is about none, or about one that could not be read.
             * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            subscription_id: string | null;
            /**
             * @description `payment_intent_id` of the payment that the event is about, in the form of the list of payments; `null` if it is about none, or about one that could not be read.
             * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
             */
            payment_intent_id: string | null;
            /**
             * Format: date-time
             * @description When Stripe created the event.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the event first arrived.
             * @example 2026-11-21T09:30:00.000Z
             */
            received_at: string;
            /**
             * Format: date-time
             * @description When the outcome was decided.
             * @example 2026-11-21T09:30:00.000Z
             */
            processed_at: string;
        };
        /** @description Deliveries that were refused for one reason. Nothing of them is stored. */
        StripeWebhookRefusals: {
            /**
             * @description Mode of the URL.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description Reason of the refusals.
             * @example wrong_signature
             * @enum {string}
             */
            reason: "missing_signature" | "malformed_signature" | "wrong_signature" | "too_old" | "from_the_future" | "unreadable" | "wrong_mode";
            /**
             * @description The reason in a sentence.
             * @example The signature is more than 300 seconds old.
             */
            message: string;
            /**
             * @description Number of refused deliveries.
             * @example 3
             */
            count: number;
            /**
             * Format: date-time
             * @description Time of the first refusal.
             * @example 2026-11-21T09:30:00.000Z
             */
            first_at: string;
            /**
             * Format: date-time
             * @description Time of the last refusal.
             * @example 2026-11-21T09:30:00.000Z
             */
            last_at: string;
        };
        /** @description One page of the events, newest first, and the refused deliveries. */
        StripeWebhookEventList: {
            /** @description The events. */
            events: components["schemas"]["StripeWebhookEvent"][];
            /**
             * @description Number of events with these filters, counted up to 10,000.
             * @example 1
             */
            total: number;
            /**
             * @description Number of this page.
             * @example 1
             */
            page: number;
            /**
             * @description Events per page.
             * @example 50
             */
            page_size: number;
            /** @description Refused deliveries by mode and reason, independent of filters and page. A wrong webhook secret shows here. */
            refusals: components["schemas"]["StripeWebhookRefusals"][];
        };
        /** @description The reconciliation to run. */
        StripeReconcileRequest: {
            /**
             * @description The mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description Start of the events to read; by default the end of the last complete run. Stripe keeps events for 30 days.
             * @example 2026-11-01T00:00:00Z
             */
            since?: string | number | null;
        };
        /** @description Number of events that were read. */
        StripeReconcileEvents: {
            /**
             * @description Number of objects that Stripe listed.
             * @example 12
             */
            read: number;
            /**
             * @description Events that were applied or ignored before.
             * @example 10
             */
            known: number;
            /**
             * @description Missing events that were applied.
             * @example 2
             */
            applied: number;
            /**
             * @description Missing events without an effect here.
             * @example 0
             */
            ignored: number;
            /**
             * @description Events in a form that this version does not know.
             * @example 0
             */
            unreadable: number;
            /**
             * @description Events that could not be applied.
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
             * @description Type of the event.
             * @example invoice.paid
             */
            type: string;
            /**
             * @description Reason of the failure.
             * @example Stripe can not be reached at the moment; try again shortly.
             */
            reason: string;
        };
        /** @description Number of subscriptions that were compared. */
        StripeReconcileSubscriptions: {
            /**
             * @description Number of objects that Stripe listed.
             * @example 7
             */
            compared: number;
            /**
             * @description Subscriptions that differed from Stripe's and were repaired.
             * @example 1
             */
            repaired: number;
            /**
             * @description Stripe's ids of the first 100.
             * @example [
             *       "sub_1AAAAAAAAAAAAAAAAAAAAAAA"
             *     ]
             */
            repaired_ids: string[];
            /**
             * @description Active subscriptions that Stripe does not have, because test data was deleted or the key is of another account. They are not changed.
             * @example 0
             */
            missing_at_stripe: number;
            /**
             * @description Stripe's ids of the first 100.
             * @example []
             */
            missing_at_stripe_ids: string[];
        };
        /** @description The report of a reconciliation. */
        StripeReconcileResponse: {
            /**
             * @description The mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * Format: date-time
             * @description Start of the events that were read.
             * @example 2026-11-21T09:30:00.000Z
             */
            since: string;
            /**
             * @description Whether the run is complete. Otherwise send the same request again to continue.
             * @example true
             */
            complete: boolean;
            events: components["schemas"]["StripeReconcileEvents"];
            /** @description The first 100 events that could not be applied. */
            failures: components["schemas"]["StripeReconcileFailure"][];
            subscriptions: components["schemas"]["StripeReconcileSubscriptions"];
        };
        /** @description An open link. */
        ConnectLinkResponse: {
            /**
             * Format: uuid
             * @description The link's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description Mode of the key.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description Where the tenant goes then.
             * @example https://platform.example.com/stripe
             */
            return_url: string;
            /**
             * @description Text of the platform.
             * @example tenant-4711
             */
            state: string | null;
            /**
             * @description The origin that may show it in a frame.
             * @example https://platform.example.com
             */
            embed_origin: string | null;
            /**
             * Format: date-time
             * @description Time of creation.
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the link expires.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
        };
        /** @description Where a tenant connects which mode, and where the tenant goes then. */
        ConnectLinkCreateRequest: {
            /**
             * @description Mode of the key that the tenant is asked for.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description Where the tenant goes after connecting. An absolute `https` URL, or `http` on a loopback host in test mode.
             * @example https://platform.example.com/stripe
             */
            return_url: string;
            /**
             * @description A text of yours, which `return_url` gets as `state`.
             * @example tenant-4711
             */
            state?: string | null;
            /**
             * @description The origin whose pages may show the link in a frame, and get a message at the end.
             * @example https://platform.example.com
             */
            embed_origin?: string | null;
            /**
             * @description For how many seconds the link works.
             * @default 900
             * @example 900
             */
            expires_in?: number;
        };
        /** @description A new link. Its URL is shown this once. */
        ConnectLinkCreatedResponse: {
            /**
             * Format: uuid
             * @description The link's id.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            id: string;
            /**
             * @description Send the tenant there, or show it in a frame of `embed_origin`. It works once.
             * @example https://tillkeeper.example.com/connect/tkc_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1bPmpR
             */
            url: string;
            /**
             * Format: date-time
             * @description When the link expires.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
        };
        /** @description Who asks for the key. */
        ConnectPlatform: {
            /**
             * @description `PLATFORM_NAME`.
             * @example Tillkeeper
             */
            name: string;
            /**
             * @description `PLATFORM_COLOR`.
             * @example #0b5fff
             */
            color: string | null;
        };
        /** @description What the page of a link shows. */
        ConnectPage: {
            platform: components["schemas"]["ConnectPlatform"];
            /**
             * @description Name of the project.
             * @example Corner shop
             */
            project_name: string;
            /**
             * @description Mode of the key.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /**
             * @description The origin that gets a message at the end.
             * @example https://platform.example.com
             */
            embed_origin: string | null;
            /**
             * Format: date-time
             * @description When the link expires.
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /**
             * @description What the key is needed for.
             * @example [
             *       "Customers (write)"
             *     ]
             */
            permissions: string[];
            /**
             * @description Stripe's page for a restricted key with these permissions; `null` if restricted keys are not accepted here.
             * @example https://dashboard.stripe.com/test/apikeys/create
             */
            restricted_key_url: string | null;
        };
        /** @description The tenant's key. */
        ConnectKeyRequest: {
            /**
             * @description A secret key or a restricted key.
             * @example sk_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             */
            secret_key: string;
        };
        /** @description What Stripe says about the key. */
        ConnectVerdict: {
            /**
             * @description Whether Stripe accepts the key, which may read all that is needed. Nothing is written for the check.
             * @example true
             */
            valid: boolean;
            /**
             * @description The reason, and what to do.
             * @example Stripe accepts this key.
             */
            message: string;
            /**
             * @description Name of the key's Stripe account, if known.
             * @example Corner shop
             */
            account_name: string | null;
        };
        /** @description The key is stored. */
        ConnectCompletion: {
            /**
             * @description Where to send the tenant, with `state`.
             * @example https://platform.example.com/stripe?state=tenant-4711
             */
            return_url: string;
            /**
             * @description Whether Stripe sends its events here now.
             * @example true
             */
            receives_events: boolean;
            /**
             * @description Why there is no webhook endpoint; `null` if there is one.
             * @example Stripe can not be reached at the moment; try again shortly.
             */
            endpoint_problem: string | null;
        };
        /**
         * @description A subscription is seen for the first time.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "subscription.created",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "subscription": {
         *           "id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "version": 2,
         *           "subscription_id": "sub_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "status": "active",
         *           "price_id": "price_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "plan_name": "Pro",
         *           "quantity": 1,
         *           "current_period_start": "2026-11-21T09:30:00.000Z",
         *           "current_period_end": "2026-12-21T09:30:00.000Z",
         *           "cancel_at": null,
         *           "cancelled_at": null,
         *           "pause": null,
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        SubscriptionCreatedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example subscription.created
             * @enum {string}
             */
            type: "subscription.created";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The subscription, as Stripe last reported it. */
                subscription: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    subscription_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * @description Stripe's status.
                     * @example active
                     */
                    status: string;
                    /**
                     * @description Stripe's id of the price.
                     * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    price_id: string | null;
                    /**
                     * @description The name of the plan.
                     * @example Pro
                     */
                    plan_name: string | null;
                    /**
                     * @description How many of it.
                     * @example 1
                     */
                    quantity: number;
                    /**
                     * Format: date-time
                     * @description When the current period began.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    current_period_start: string | null;
                    /**
                     * Format: date-time
                     * @description When the current period ends.
                     * @example 2026-12-21T09:30:00.000Z
                     */
                    current_period_end: string | null;
                    /**
                     * Format: date-time
                     * @description When it is going to end.
                     * @example null
                     */
                    cancel_at: string | null;
                    /**
                     * Format: date-time
                     * @description When somebody asked to cancel it.
                     * @example null
                     */
                    cancelled_at: string | null;
                    /**
                     * @description The pause; `null` if it is not paused.
                     * @example null
                     */
                    pause: {
                        /**
                         * @description What Stripe does with invoices meanwhile.
                         * @example void
                         */
                        behavior: string | null;
                        /**
                         * Format: date-time
                         * @description When Stripe collects payments again.
                         * @example 2026-12-21T09:30:00.000Z
                         */
                        resumes_at: string | null;
                        /**
                         * @description Why the status is `paused`.
                         * @example pause_requested
                         */
                        reason: string | null;
                    } | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
            };
        };
        /**
         * @description A subscription changes, and neither is new nor ends with the change.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "subscription.updated",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "subscription": {
         *           "id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "version": 2,
         *           "subscription_id": "sub_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "status": "active",
         *           "price_id": "price_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "plan_name": "Pro",
         *           "quantity": 1,
         *           "current_period_start": "2026-11-21T09:30:00.000Z",
         *           "current_period_end": "2026-12-21T09:30:00.000Z",
         *           "cancel_at": null,
         *           "cancelled_at": null,
         *           "pause": null,
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        SubscriptionUpdatedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example subscription.updated
             * @enum {string}
             */
            type: "subscription.updated";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The subscription, as Stripe last reported it. */
                subscription: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    subscription_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * @description Stripe's status.
                     * @example active
                     */
                    status: string;
                    /**
                     * @description Stripe's id of the price.
                     * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    price_id: string | null;
                    /**
                     * @description The name of the plan.
                     * @example Pro
                     */
                    plan_name: string | null;
                    /**
                     * @description How many of it.
                     * @example 1
                     */
                    quantity: number;
                    /**
                     * Format: date-time
                     * @description When the current period began.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    current_period_start: string | null;
                    /**
                     * Format: date-time
                     * @description When the current period ends.
                     * @example 2026-12-21T09:30:00.000Z
                     */
                    current_period_end: string | null;
                    /**
                     * Format: date-time
                     * @description When it is going to end.
                     * @example null
                     */
                    cancel_at: string | null;
                    /**
                     * Format: date-time
                     * @description When somebody asked to cancel it.
                     * @example null
                     */
                    cancelled_at: string | null;
                    /**
                     * @description The pause; `null` if it is not paused.
                     * @example null
                     */
                    pause: {
                        /**
                         * @description What Stripe does with invoices meanwhile.
                         * @example void
                         */
                        behavior: string | null;
                        /**
                         * Format: date-time
                         * @description When Stripe collects payments again.
                         * @example 2026-12-21T09:30:00.000Z
                         */
                        resumes_at: string | null;
                        /**
                         * @description Why the status is `paused`.
                         * @example pause_requested
                         */
                        reason: string | null;
                    } | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
            };
        };
        /**
         * @description The status becomes `canceled` or `incomplete_expired`, which are final.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "subscription.ended",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "subscription": {
         *           "id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "version": 2,
         *           "subscription_id": "sub_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "status": "active",
         *           "price_id": "price_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "plan_name": "Pro",
         *           "quantity": 1,
         *           "current_period_start": "2026-11-21T09:30:00.000Z",
         *           "current_period_end": "2026-12-21T09:30:00.000Z",
         *           "cancel_at": null,
         *           "cancelled_at": null,
         *           "pause": null,
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        SubscriptionEndedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example subscription.ended
             * @enum {string}
             */
            type: "subscription.ended";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The subscription, as Stripe last reported it. */
                subscription: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    subscription_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * @description Stripe's status.
                     * @example active
                     */
                    status: string;
                    /**
                     * @description Stripe's id of the price.
                     * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    price_id: string | null;
                    /**
                     * @description The name of the plan.
                     * @example Pro
                     */
                    plan_name: string | null;
                    /**
                     * @description How many of it.
                     * @example 1
                     */
                    quantity: number;
                    /**
                     * Format: date-time
                     * @description When the current period began.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    current_period_start: string | null;
                    /**
                     * Format: date-time
                     * @description When the current period ends.
                     * @example 2026-12-21T09:30:00.000Z
                     */
                    current_period_end: string | null;
                    /**
                     * Format: date-time
                     * @description When it is going to end.
                     * @example null
                     */
                    cancel_at: string | null;
                    /**
                     * Format: date-time
                     * @description When somebody asked to cancel it.
                     * @example null
                     */
                    cancelled_at: string | null;
                    /**
                     * @description The pause; `null` if it is not paused.
                     * @example null
                     */
                    pause: {
                        /**
                         * @description What Stripe does with invoices meanwhile.
                         * @example void
                         */
                        behavior: string | null;
                        /**
                         * Format: date-time
                         * @description When Stripe collects payments again.
                         * @example 2026-12-21T09:30:00.000Z
                         */
                        resumes_at: string | null;
                        /**
                         * @description Why the status is `paused`.
                         * @example pause_requested
                         */
                        reason: string | null;
                    } | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
            };
        };
        /**
         * @description Stripe announces the end of a trial, usually three days before it. `current_period_end` is the end.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "subscription.trial_ending",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "subscription": {
         *           "id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "version": 2,
         *           "subscription_id": "sub_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "status": "trialing",
         *           "price_id": "price_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "plan_name": "Pro",
         *           "quantity": 1,
         *           "current_period_start": "2026-11-21T09:30:00.000Z",
         *           "current_period_end": "2026-12-21T09:30:00.000Z",
         *           "cancel_at": null,
         *           "cancelled_at": null,
         *           "pause": null,
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        SubscriptionTrialEndingEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example subscription.trial_ending
             * @enum {string}
             */
            type: "subscription.trial_ending";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The subscription, as Stripe last reported it. */
                subscription: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example sub_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    subscription_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * @description Stripe's status.
                     * @example trialing
                     */
                    status: string;
                    /**
                     * @description Stripe's id of the price.
                     * @example price_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    price_id: string | null;
                    /**
                     * @description The name of the plan.
                     * @example Pro
                     */
                    plan_name: string | null;
                    /**
                     * @description How many of it.
                     * @example 1
                     */
                    quantity: number;
                    /**
                     * Format: date-time
                     * @description When the current period began.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    current_period_start: string | null;
                    /**
                     * Format: date-time
                     * @description When the current period ends.
                     * @example 2026-12-21T09:30:00.000Z
                     */
                    current_period_end: string | null;
                    /**
                     * Format: date-time
                     * @description When it is going to end.
                     * @example null
                     */
                    cancel_at: string | null;
                    /**
                     * Format: date-time
                     * @description When somebody asked to cancel it.
                     * @example null
                     */
                    cancelled_at: string | null;
                    /**
                     * @description The pause; `null` if it is not paused.
                     * @example null
                     */
                    pause: {
                        /**
                         * @description What Stripe does with invoices meanwhile.
                         * @example void
                         */
                        behavior: string | null;
                        /**
                         * Format: date-time
                         * @description When Stripe collects payments again.
                         * @example 2026-12-21T09:30:00.000Z
                         */
                        resumes_at: string | null;
                        /**
                         * @description Why the status is `paused`.
                         * @example pause_requested
                         */
                        reason: string | null;
                    } | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
            };
        };
        /**
         * @description A payment succeeds, or changes later other than by a refund.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "payment.succeeded",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "payment": {
         *           "id": "9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47",
         *           "version": 2,
         *           "payment_intent_id": "pi_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "subscription_id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "status": "succeeded",
         *           "amount_cents": 2000,
         *           "currency": "usd",
         *           "source": "stripe",
         *           "refunded_amount_cents": 0,
         *           "description": "Subscription creation",
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        PaymentSucceededEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example payment.succeeded
             * @enum {string}
             */
            type: "payment.succeeded";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The payment, as Stripe last reported it. */
                payment: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example 9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    payment_intent_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * Format: uuid
                     * @description Our id of the subscription that it pays for.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    subscription_id: string | null;
                    /**
                     * @description Stripe's status, or `partially_refunded` or `refunded`.
                     * @example succeeded
                     */
                    status: string;
                    /**
                     * @description In minor units.
                     * @example 2000
                     */
                    amount_cents: number;
                    /**
                     * @description ISO 4217, in lower case.
                     * @example usd
                     */
                    currency: string;
                    /**
                     * @description Who collected the money.
                     * @example stripe
                     * @enum {string}
                     */
                    source: "stripe" | "out_of_band";
                    /**
                     * @description In minor units.
                     * @example 0
                     */
                    refunded_amount_cents: number;
                    /**
                     * @description What it was for.
                     * @example Subscription creation
                     */
                    description: string | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
            };
        };
        /**
         * @description An attempt to pay fails, the payment is cancelled, or such a payment changes.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "payment.failed",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "payment": {
         *           "id": "9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47",
         *           "version": 2,
         *           "payment_intent_id": "pi_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "subscription_id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "status": "requires_payment_method",
         *           "amount_cents": 2000,
         *           "currency": "usd",
         *           "source": "stripe",
         *           "refunded_amount_cents": 0,
         *           "description": "Subscription creation",
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        PaymentFailedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example payment.failed
             * @enum {string}
             */
            type: "payment.failed";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The payment, as Stripe last reported it. */
                payment: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example 9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    payment_intent_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * Format: uuid
                     * @description Our id of the subscription that it pays for.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    subscription_id: string | null;
                    /**
                     * @description Stripe's status, or `partially_refunded` or `refunded`.
                     * @example requires_payment_method
                     */
                    status: string;
                    /**
                     * @description In minor units.
                     * @example 2000
                     */
                    amount_cents: number;
                    /**
                     * @description ISO 4217, in lower case.
                     * @example usd
                     */
                    currency: string;
                    /**
                     * @description Who collected the money.
                     * @example stripe
                     * @enum {string}
                     */
                    source: "stripe" | "out_of_band";
                    /**
                     * @description In minor units.
                     * @example 0
                     */
                    refunded_amount_cents: number;
                    /**
                     * @description What it was for.
                     * @example Subscription creation
                     */
                    description: string | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
            };
        };
        /**
         * @description The refunded amount of a payment grows.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "payment.refunded",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "payment": {
         *           "id": "9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47",
         *           "version": 2,
         *           "payment_intent_id": "pi_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "subscription_id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "status": "partially_refunded",
         *           "amount_cents": 2000,
         *           "currency": "usd",
         *           "source": "stripe",
         *           "refunded_amount_cents": 500,
         *           "description": "Subscription creation",
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         },
         *         "refunded_now_cents": 500
         *       }
         *     }
         */
        PaymentRefundedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example payment.refunded
             * @enum {string}
             */
            type: "payment.refunded";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The payment, as Stripe last reported it. */
                payment: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example 9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    payment_intent_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * Format: uuid
                     * @description Our id of the subscription that it pays for.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    subscription_id: string | null;
                    /**
                     * @description Stripe's status, or `partially_refunded` or `refunded`.
                     * @example partially_refunded
                     */
                    status: string;
                    /**
                     * @description In minor units.
                     * @example 2000
                     */
                    amount_cents: number;
                    /**
                     * @description ISO 4217, in lower case.
                     * @example usd
                     */
                    currency: string;
                    /**
                     * @description Who collected the money.
                     * @example stripe
                     * @enum {string}
                     */
                    source: "stripe" | "out_of_band";
                    /**
                     * @description In minor units.
                     * @example 500
                     */
                    refunded_amount_cents: number;
                    /**
                     * @description What it was for.
                     * @example Subscription creation
                     */
                    description: string | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
                /**
                 * @description By how much the refunded amount grew, in minor units.
                 * @example 500
                 */
                refunded_now_cents: number;
            };
        };
        /**
         * @description A dispute about a payment is opened, or its status changes.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "payment.disputed",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "dispute": {
         *           "id": "5e1f8c5b-3a47-4d9a-8e7d-152c834b6fa0",
         *           "version": 2,
         *           "dispute_id": "dp_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "payment_intent_id": "pi_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "status": "needs_response",
         *           "reason": "product_not_received",
         *           "amount_cents": 2000,
         *           "currency": "usd",
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         },
         *         "payment": {
         *           "id": "9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47",
         *           "version": 2,
         *           "payment_intent_id": "pi_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "subscription_id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "status": "succeeded",
         *           "amount_cents": 2000,
         *           "currency": "usd",
         *           "source": "stripe",
         *           "refunded_amount_cents": 0,
         *           "description": "Subscription creation",
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        PaymentDisputedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example payment.disputed
             * @enum {string}
             */
            type: "payment.disputed";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The dispute, as Stripe last reported it. */
                dispute: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example 5e1f8c5b-3a47-4d9a-8e7d-152c834b6fa0
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example dp_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    dispute_id: string;
                    /**
                     * @description Stripe's id of the payment.
                     * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    payment_intent_id: string | null;
                    /**
                     * @description Stripe's status.
                     * @example needs_response
                     */
                    status: string;
                    /**
                     * @description The customer's reason, in Stripe's words.
                     * @example product_not_received
                     */
                    reason: string | null;
                    /**
                     * @description In minor units.
                     * @example 2000
                     */
                    amount_cents: number;
                    /**
                     * @description ISO 4217, in lower case.
                     * @example usd
                     */
                    currency: string;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
                /** @description The payment; `null` while the ledger does not have it. */
                payment: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example 9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    payment_intent_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * Format: uuid
                     * @description Our id of the subscription that it pays for.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    subscription_id: string | null;
                    /**
                     * @description Stripe's status, or `partially_refunded` or `refunded`.
                     * @example succeeded
                     */
                    status: string;
                    /**
                     * @description In minor units.
                     * @example 2000
                     */
                    amount_cents: number;
                    /**
                     * @description ISO 4217, in lower case.
                     * @example usd
                     */
                    currency: string;
                    /**
                     * @description Who collected the money.
                     * @example stripe
                     * @enum {string}
                     */
                    source: "stripe" | "out_of_band";
                    /**
                     * @description In minor units.
                     * @example 0
                     */
                    refunded_amount_cents: number;
                    /**
                     * @description What it was for.
                     * @example Subscription creation
                     */
                    description: string | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                } | null;
            };
        };
        /**
         * @description The status of a dispute becomes `won`, `lost` or `warning_closed`.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "payment.dispute_closed",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "dispute": {
         *           "id": "5e1f8c5b-3a47-4d9a-8e7d-152c834b6fa0",
         *           "version": 2,
         *           "dispute_id": "dp_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "payment_intent_id": "pi_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "status": "won",
         *           "reason": "product_not_received",
         *           "amount_cents": 2000,
         *           "currency": "usd",
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         },
         *         "payment": {
         *           "id": "9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47",
         *           "version": 2,
         *           "payment_intent_id": "pi_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "user_id": "0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35",
         *           "customer_id": "cus_aaaaaaaaaaaaaa",
         *           "subscription_id": "b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24",
         *           "status": "succeeded",
         *           "amount_cents": 2000,
         *           "currency": "usd",
         *           "source": "stripe",
         *           "refunded_amount_cents": 0,
         *           "description": "Subscription creation",
         *           "created_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        PaymentDisputeClosedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example payment.dispute_closed
             * @enum {string}
             */
            type: "payment.dispute_closed";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The dispute, as Stripe last reported it. */
                dispute: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example 5e1f8c5b-3a47-4d9a-8e7d-152c834b6fa0
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example dp_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    dispute_id: string;
                    /**
                     * @description Stripe's id of the payment.
                     * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    payment_intent_id: string | null;
                    /**
                     * @description Stripe's status.
                     * @example won
                     */
                    status: string;
                    /**
                     * @description The customer's reason, in Stripe's words.
                     * @example product_not_received
                     */
                    reason: string | null;
                    /**
                     * @description In minor units.
                     * @example 2000
                     */
                    amount_cents: number;
                    /**
                     * @description ISO 4217, in lower case.
                     * @example usd
                     */
                    currency: string;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                };
                /** @description The payment; `null` while the ledger does not have it. */
                payment: {
                    /**
                     * Format: uuid
                     * @description Our id.
                     * @example 9a4e7d15-2c83-4b6f-a0d9-6e1f8c5b3a47
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Stripe's id.
                     * @example pi_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    payment_intent_id: string;
                    /**
                     * Format: uuid
                     * @description The user's id; `null` if unknown.
                     * @example 0c9e6a31-7b52-5d84-9e1f-2f8b4d6a7c35
                     */
                    user_id: string | null;
                    /**
                     * @description Stripe's id of the customer.
                     * @example cus_aaaaaaaaaaaaaa
                     */
                    customer_id: string | null;
                    /**
                     * Format: uuid
                     * @description Our id of the subscription that it pays for.
                     * @example b2f7a5c0-1d3e-4c8a-8f60-5a9d3e7c1b24
                     */
                    subscription_id: string | null;
                    /**
                     * @description Stripe's status, or `partially_refunded` or `refunded`.
                     * @example succeeded
                     */
                    status: string;
                    /**
                     * @description In minor units.
                     * @example 2000
                     */
                    amount_cents: number;
                    /**
                     * @description ISO 4217, in lower case.
                     * @example usd
                     */
                    currency: string;
                    /**
                     * @description Who collected the money.
                     * @example stripe
                     * @enum {string}
                     */
                    source: "stripe" | "out_of_band";
                    /**
                     * @description In minor units.
                     * @example 0
                     */
                    refunded_amount_cents: number;
                    /**
                     * @description What it was for.
                     * @example Subscription creation
                     */
                    description: string | null;
                    /**
                     * Format: date-time
                     * @description When Stripe made it.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    created_at: string;
                } | null;
            };
        };
        /**
         * @description Credentials are stored, or some of them destroyed.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "config.updated",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "config": {
         *           "version": 3,
         *           "fields": [
         *             "test_secret_key"
         *           ]
         *         }
         *       }
         *     }
         */
        ConfigUpdatedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example config.updated
             * @enum {string}
             */
            type: "config.updated";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode; `null` if it concerns both.
             * @example test
             * @enum {string|null}
             */
            mode: "test" | "live" | null;
            /** @description What it is about. */
            data: {
                /** @description The Stripe configuration. Credentials are never in an event. */
                config: {
                    /**
                     * @description Its version, which is its `ETag` too.
                     * @example 3
                     */
                    version: number;
                    /**
                     * @description Names of the credentials that were stored or destroyed.
                     * @example [
                     *       "test_secret_key"
                     *     ]
                     */
                    fields: string[];
                };
            };
        };
        /**
         * @description The Stripe configuration is deleted with all credentials.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "config.deleted",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": null,
         *       "data": {
         *         "config": {
         *           "version": 3,
         *           "fields": [
         *             "test_secret_key"
         *           ]
         *         }
         *       }
         *     }
         */
        ConfigDeletedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example config.deleted
             * @enum {string}
             */
            type: "config.deleted";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description `null`: it concerns both modes.
             * @example null
             */
            mode: null;
            /** @description What it is about. */
            data: {
                /** @description The Stripe configuration. Credentials are never in an event. */
                config: {
                    /**
                     * @description Its version, which is its `ETag` too.
                     * @example 3
                     */
                    version: number;
                    /**
                     * @description Names of the credentials that were stored or destroyed.
                     * @example [
                     *       "test_secret_key"
                     *     ]
                     */
                    fields: string[];
                };
            };
        };
        /**
         * @description Stripe refuses a stored secret key for the first time since it was stored or accepted.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "credentials.invalid",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "credentials": {
         *           "version": 1795253400000000
         *         },
         *         "reason": "Stripe refuses this key; it was rolled, revoked or has expired."
         *       }
         *     }
         */
        CredentialsInvalidEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example credentials.invalid
             * @enum {string}
             */
            type: "credentials.invalid";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The credentials of the mode. */
                credentials: {
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                };
                /**
                 * @description Why Stripe does not accept the key.
                 * @example Stripe refuses this key; it was rolled, revoked or has expired.
                 */
                reason: string;
            };
        };
        /**
         * @description Stripe accepts the secret key of a mode whose last known key it refused.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "credentials.recovered",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "credentials": {
         *           "version": 1795253400000000
         *         }
         *       }
         *     }
         */
        CredentialsRecoveredEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example credentials.recovered
             * @enum {string}
             */
            type: "credentials.recovered";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The credentials of the mode. */
                credentials: {
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                };
            };
        };
        /**
         * @description A former webhook secret ends within 24 hours, and signed the last delivery.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "credentials.expiring",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "webhook_secret": {
         *           "version": 1795253400000000,
         *           "valid_until": "2026-11-22T09:00:00.000Z",
         *           "last_used_at": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        CredentialsExpiringEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example credentials.expiring
             * @enum {string}
             */
            type: "credentials.expiring";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The former webhook secret. */
                webhook_secret: {
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                    /**
                     * Format: date-time
                     * @description When it ends.
                     * @example 2026-11-22T09:00:00.000Z
                     */
                    valid_until: string;
                    /**
                     * Format: date-time
                     * @description When a delivery last had its signature, and none of the current secret.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    last_used_at: string;
                };
            };
        };
        /**
         * @description The daily check finds that the webhook endpoint made here brings no events, or not all.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "endpoint.disabled",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "endpoint": {
         *           "id": "we_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "version": 1795253400000000
         *         },
         *         "problem": "disabled"
         *       }
         *     }
         */
        EndpointDisabledEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example endpoint.disabled
             * @enum {string}
             */
            type: "endpoint.disabled";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The webhook endpoint at Stripe. */
                endpoint: {
                    /**
                     * @description Stripe's id.
                     * @example we_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    id: string;
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                };
                /**
                 * @description `missing`: Stripe does not have it. `disabled`: Stripe sends nothing. `other_url`: it has another URL, as after a change of `PUBLIC_BASE_URL`. `missing_events`: it lacks types. `old_version`: its API version is from before 2018.
                 * @example disabled
                 * @enum {string}
                 */
                problem: "disabled" | "missing" | "other_url" | "missing_events" | "old_version";
            };
        };
        /**
         * @description The last problem of the webhook endpoint ends: it is in order or made again, and not silent.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "endpoint.recovered",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "endpoint": {
         *           "id": "we_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "version": 1795253400000000
         *         }
         *       }
         *     }
         */
        EndpointRecoveredEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example endpoint.recovered
             * @enum {string}
             */
            type: "endpoint.recovered";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The webhook endpoint at Stripe. */
                endpoint: {
                    /**
                     * @description Stripe's id; `null` if it was not made here.
                     * @example we_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    id: string | null;
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                };
            };
        };
        /**
         * @description A project that usually gets events got none for long, and Stripe has some that never arrived.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "endpoint.silent",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "endpoint": {
         *           "id": "we_aaaaaaaaaaaaaaaaaaaaaaaa",
         *           "version": 1795253400000000
         *         },
         *         "last_event_at": "2026-11-21T09:30:00.000Z",
         *         "missed_events": 12
         *       }
         *     }
         */
        EndpointSilentEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example endpoint.silent
             * @enum {string}
             */
            type: "endpoint.silent";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The webhook endpoint at Stripe. */
                endpoint: {
                    /**
                     * @description Stripe's id; `null` if it was not made here.
                     * @example we_aaaaaaaaaaaaaaaaaaaaaaaa
                     */
                    id: string | null;
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                };
                /**
                 * Format: date-time
                 * @description When the last event arrived.
                 * @example 2026-11-21T09:30:00.000Z
                 */
                last_event_at: string;
                /**
                 * @description Events of Stripe since then that never arrived, counted up to 1,000.
                 * @example 12
                 */
                missed_events: number;
            };
        };
        /**
         * @description Five deliveries in a row are refused for their signature.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "signatures.failing",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "signatures": {
         *           "version": 1795253400000000
         *         },
         *         "cause": "wrong_secret",
         *         "failures": 5,
         *         "since": "2026-11-21T09:30:00.000Z"
         *       }
         *     }
         */
        SignaturesFailingEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example signatures.failing
             * @enum {string}
             */
            type: "signatures.failing";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The signatures of deliveries in the mode. */
                signatures: {
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                };
                /**
                 * @description The likely cause. `wrong_secret`: the stored secret is not that of the endpoint. `other_mode`: the deliveries are signed with the secret of the other mode. `changed_body`: a proxy changes the bodies.
                 * @example wrong_secret
                 * @enum {string}
                 */
                cause: "wrong_secret" | "other_mode" | "changed_body";
                /**
                 * @description Deliveries refused since the last one that was accepted.
                 * @example 5
                 */
                failures: number;
                /**
                 * Format: date-time
                 * @description When the first of them arrived.
                 * @example 2026-11-21T09:30:00.000Z
                 */
                since: string;
            };
        };
        /**
         * @description Reconcile applied events that had never arrived, or corrected subscriptions; once for each run.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "reconcile.repaired",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "reconcile": {
         *           "version": 1795253400000000,
         *           "since": "2026-11-21T09:30:00.000Z",
         *           "missed_events": 3,
         *           "repaired_subscriptions": 1
         *         }
         *       }
         *     }
         */
        ReconcileRepairedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example reconcile.repaired
             * @enum {string}
             */
            type: "reconcile.repaired";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The run. */
                reconcile: {
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                    /**
                     * Format: date-time
                     * @description Events since then were compared.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    since: string;
                    /**
                     * @description Events that were applied now, and had never arrived.
                     * @example 3
                     */
                    missed_events: number;
                    /**
                     * @description Subscriptions that differed from those at Stripe.
                     * @example 1
                     */
                    repaired_subscriptions: number;
                };
            };
        };
        /**
         * @description Somebody joins a project, also by an invitation, or as its owner by a transfer to a stranger.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "member.added",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": null,
         *       "data": {
         *         "member": {
         *           "version": 1795253400000000,
         *           "subject": "developer-2",
         *           "role": "admin"
         *         }
         *       }
         *     }
         */
        MemberAddedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example member.added
             * @enum {string}
             */
            type: "member.added";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description `null`: it concerns both modes.
             * @example null
             */
            mode: null;
            /** @description What it is about. */
            data: {
                /** @description The person. */
                member: {
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                    /**
                     * @description The `sub` of the person’s access tokens.
                     * @example developer-2
                     */
                    subject: string;
                    /**
                     * @description The role in the project, with `member.removed` the former one.
                     * @example admin
                     * @enum {string}
                     */
                    role: "viewer" | "admin" | "owner";
                };
            };
        };
        /**
         * @description Somebody leaves a project or is removed, also because the account is deleted.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "member.removed",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": null,
         *       "data": {
         *         "member": {
         *           "version": 1795253400000000,
         *           "subject": "developer-2",
         *           "role": "admin"
         *         }
         *       }
         *     }
         */
        MemberRemovedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example member.removed
             * @enum {string}
             */
            type: "member.removed";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description `null`: it concerns both modes.
             * @example null
             */
            mode: null;
            /** @description What it is about. */
            data: {
                /** @description The person. */
                member: {
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                    /**
                     * @description The `sub` of the person’s access tokens.
                     * @example developer-2
                     */
                    subject: string;
                    /**
                     * @description The role in the project, with `member.removed` the former one.
                     * @example admin
                     * @enum {string}
                     */
                    role: "viewer" | "admin" | "owner";
                };
            };
        };
        /**
         * @description A tenant connects Stripe on the page of a connect link.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "connect.completed",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": "test",
         *       "data": {
         *         "connect_link": {
         *           "id": "c3e9a1d7-4b68-4f25-8a90-7d1c5e3b6f42",
         *           "version": 1795253400000000,
         *           "state": "tenant-4711"
         *         },
         *         "endpoint_problem": "Stripe can not be reached at the moment; try again shortly."
         *       }
         *     }
         */
        ConnectCompletedEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example connect.completed
             * @enum {string}
             */
            type: "connect.completed";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description Stripe's mode.
             * @example test
             * @enum {string}
             */
            mode: "test" | "live";
            /** @description What it is about. */
            data: {
                /** @description The link that was used. */
                connect_link: {
                    /**
                     * Format: uuid
                     * @description Its id.
                     * @example c3e9a1d7-4b68-4f25-8a90-7d1c5e3b6f42
                     */
                    id: string;
                    /**
                     * @description Grows with each event about the object: the time of the event by the database's clock, in microseconds since 1970. Drop an event with a lower one than you have.
                     * @example 1795253400000000
                     */
                    version: number;
                    /**
                     * @description The text that was given with the link.
                     * @example tenant-4711
                     */
                    state: string | null;
                };
                /**
                 * @description Why the key is stored but there is no webhook endpoint; `null` if there is one.
                 * @example Stripe can not be reached at the moment; try again shortly.
                 */
                endpoint_problem: string | null;
            };
        };
        /**
         * @description Every attempt to deliver to a destination failed for one day, and again after three days.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "destination.failing",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": null,
         *       "data": {
         *         "destination": {
         *           "id": "7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74",
         *           "version": 2,
         *           "description": "Billing backend",
         *           "failing_since": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        DestinationFailingEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example destination.failing
             * @enum {string}
             */
            type: "destination.failing";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description `null`: it concerns both modes.
             * @example null
             */
            mode: null;
            /** @description What it is about. */
            data: {
                /** @description The destination. */
                destination: {
                    /**
                     * Format: uuid
                     * @description Its id.
                     * @example 7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Its description.
                     * @example Billing backend
                     */
                    description: string | null;
                    /**
                     * Format: date-time
                     * @description When the first attempt since its last success failed.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    failing_since: string | null;
                };
            };
        };
        /**
         * @description A destination is disabled because it answered 410, or failed for five days.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "destination.disabled",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": null,
         *       "data": {
         *         "destination": {
         *           "id": "7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74",
         *           "version": 2,
         *           "description": "Billing backend",
         *           "failing_since": "2026-11-21T09:30:00.000Z"
         *         },
         *         "reason": "failing"
         *       }
         *     }
         */
        DestinationDisabledEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example destination.disabled
             * @enum {string}
             */
            type: "destination.disabled";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description `null`: it concerns both modes.
             * @example null
             */
            mode: null;
            /** @description What it is about. */
            data: {
                /** @description The destination. */
                destination: {
                    /**
                     * Format: uuid
                     * @description Its id.
                     * @example 7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Its description.
                     * @example Billing backend
                     */
                    description: string | null;
                    /**
                     * Format: date-time
                     * @description When the first attempt since its last success failed.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    failing_since: string | null;
                };
                /**
                 * @description `gone`: it answered 410. `failing`: it failed for five days.
                 * @example failing
                 * @enum {string}
                 */
                reason: "failing" | "gone";
            };
        };
        /**
         * @description Somebody asks for a test. It goes to that destination only, whichever types it receives.
         * @example {
         *       "id": "019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34",
         *       "type": "destination.test",
         *       "timestamp": "2026-11-21T09:30:00.000Z",
         *       "project_id": "6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11",
         *       "mode": null,
         *       "data": {
         *         "destination": {
         *           "id": "7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74",
         *           "version": 2,
         *           "description": "Billing backend",
         *           "failing_since": "2026-11-21T09:30:00.000Z"
         *         }
         *       }
         *     }
         */
        DestinationTestEvent: {
            /**
             * Format: uuid
             * @description Equal in all attempts and all destinations: handle an event once.
             * @example 019aa5f2-7c3e-7d41-9b2a-5f8e1c0d6a34
             */
            id: string;
            /**
             * @description What happened.
             * @example destination.test
             * @enum {string}
             */
            type: "destination.test";
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-21T09:30:00.000Z
             */
            timestamp: string;
            /**
             * Format: uuid
             * @description The project; `null` for the operator's own destinations.
             * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
             */
            project_id: string | null;
            /**
             * @description `null`: it concerns both modes.
             * @example null
             */
            mode: null;
            /** @description What it is about. */
            data: {
                /** @description The destination. */
                destination: {
                    /**
                     * Format: uuid
                     * @description Its id.
                     * @example 7d2c9b1e-4f83-4a6d-9c50-8b1e6f3a2d74
                     */
                    id: string;
                    /**
                     * @description Grows with each change of the object. Drop an event with a lower one than you have.
                     * @example 2
                     */
                    version: number;
                    /**
                     * @description Its description.
                     * @example Billing backend
                     */
                    description: string | null;
                    /**
                     * Format: date-time
                     * @description When the first attempt since its last success failed.
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    failing_since: string | null;
                };
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description Identifies the answer in the log of the service. A UUID or trace id in `X-Request-Id` of the request is used.
         * @example 6f1c1d1e-6f0a-4b57-9a3e-0a6f0e6f2b11
         */
        "X-Request-Id": string;
        /**
         * @description The problem of the access token (RFC 6750).
         * @example Bearer error="invalid_token", error_description="The access token has expired."
         */
        "WWW-Authenticate": string;
        /**
         * @description Seconds to wait before the next attempt.
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
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
                     * @description Link to the next page, if there is one: `<…>; rel="next"` (RFC 8288), relative to this URL.
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The account was created. */
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
            /** @description The built-in accounts are off (`AUTH_BUILTIN`). */
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
            /** @description An account has this address. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The built-in accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The refresh token is not valid, or expired. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The built-in accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The token is of another kind. */
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
            /** @description The token belongs to no built-in account, or these accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The token is of another kind. */
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
            /** @description The token belongs to no built-in account, or these accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The token is of another kind. */
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
            /** @description The account has no such session, or the built-in accounts are off. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
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
            /** @description The token is of another kind. */
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
            /** @description The token belongs to no built-in account, or these accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The token is of another kind. */
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
            /** @description The token belongs to no built-in account, or these accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The token is of another kind. */
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
            /** @description The account has no such session, or the built-in accounts are off. */
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
            /** @description The token is of another kind. */
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
            /** @description The account has no such session, or the built-in accounts are off. */
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
            /** @description The current password is wrong, or the token is of another kind. */
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
            /** @description The token belongs to no built-in account, or these accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The next step. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The built-in accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The reset token is not valid, or expired. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The built-in accounts are off (`AUTH_BUILTIN`). */
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
    signIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserLoginRequest"];
            };
        };
        responses: {
            /** @description The access token of the new session. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Keeps the browser signed in for 7 days: `HttpOnly`, `SameSite=Strict`, and `Secure` over HTTPS. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessTokenResponse"];
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
            /** @description The request comes from a page of another origin, or from no page: it has no `Origin`. */
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
            /** @description The built-in accounts are off (`AUTH_BUILTIN`). */
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
    signOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The browser has no session any more. */
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
            /** @description The request comes from a page of another origin, or from no page: it has no `Origin`. */
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
            /** @description The built-in accounts are off (`AUTH_BUILTIN`). */
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
            /** @description Too many requests. */
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
    refreshSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The next access token of the session. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Keeps the browser signed in for 7 days: `HttpOnly`, `SameSite=Strict`, and `Secure` over HTTPS. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessTokenResponse"];
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
            /** @description There is no cookie, or its session has ended. */
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
            /** @description The request comes from a page of another origin, or from no page: it has no `Origin`. */
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
            /** @description The built-in accounts are off (`AUTH_BUILTIN`). */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The person has a role in the project already, or their account was revoked or deleted; or the project has 1,000 members or 100 open invitations. */
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
                /** @description The member: the `sub` of the person’s access tokens, encoded for a URL. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description The member: the `sub` of the person’s access tokens, encoded for a URL. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The person is not a member, owns the project already, or their account was revoked or deleted; or somebody else transferred the project meanwhile. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description You have a role in the project already, or it has 1,000 members. */
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
    getMyNotifications: {
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
            /** @description Your choice. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberNotifications"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    updateMyNotifications: {
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
                "application/json": components["schemas"]["NotificationsUpdateRequest"];
            };
        };
        responses: {
            /** @description Your choice. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberNotifications"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    updateServiceAccount: {
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
        requestBody: {
            content: {
                "application/json": components["schemas"]["ServiceAccountUpdateRequest"];
            };
        };
        responses: {
            /** @description The account as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccountResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    listAllProjects: {
        parameters: {
            query?: {
                /** @description Only those whose Stripe keys are unconfigured, unverified, unhealthy, healthy, or those with the problem endpoint_disabled, endpoint_silent, signatures_failing, credentials_expiring. */
                health?: components["schemas"]["Object"] | ("unconfigured" | "unverified" | "unhealthy" | "healthy" | "endpoint_disabled" | "endpoint_silent" | "signatures_failing" | "credentials_expiring") | null;
                /** @description Lists only projects of this owner. */
                owner_id?: components["schemas"]["Object"] | string | null;
                /** @description Only the project with this id, or those whose name begins with this text in upper or lower case; the list is then in the order of names. */
                q?: string | null;
                /** @description Maximum number of projects. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The id is of a deleted project, or of a project of another owner; or the account of the owner was revoked or deleted. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The person owns the project already, or their account was revoked or deleted. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    updateOperatorServiceAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The service account's id. */
                service_account_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ServiceAccountUpdateRequest"];
            };
        };
        responses: {
            /** @description The account as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccountResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description Not ready. Try again after `Retry-After` seconds. */
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
    getSystem: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorSystemResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    pullEvents: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. Without it, the oldest events that are kept come first. */
                cursor?: string;
                /** @description Only these types, separated by commas: subscription.created, subscription.updated, subscription.ended, subscription.trial_ending, payment.succeeded, payment.failed, payment.refunded, payment.disputed, payment.dispute_closed, config.updated, config.deleted, credentials.invalid, credentials.recovered, credentials.expiring, endpoint.disabled, endpoint.recovered, endpoint.silent, signatures.failing, reconcile.repaired, member.added, member.removed, connect.completed, destination.failing, destination.disabled. */
                types?: string;
                /** @description How many events a page has. */
                limit?: number;
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
            /** @description The next events. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventList"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    listEventDestinations: {
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
            /** @description The destinations, the oldest first. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationResponse"][];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    createEventDestination: {
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
                "application/json": components["schemas"]["EventDestinationCreateRequest"];
            };
        };
        responses: {
            /** @description The destination with its secret. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationSecretResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There are 16 event destinations, which is the most. Or a request with the same `Idempotency-Key` is still running. */
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
    getEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The destination. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or there is no event destination with this id. */
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
    updateEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventDestinationUpdateRequest"];
            };
        };
        responses: {
            /** @description The destination as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or there is no event destination with this id. */
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
    deleteEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The destination is gone. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or there is no event destination with this id. */
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
    rotateEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["EventDestinationRotateRequest"];
            };
        };
        responses: {
            /** @description The destination with its new secret. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationSecretResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or there is no event destination with this id. */
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
            /** @description The overlaps of five former secrets still run. */
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
    listOperatorEventDestinations: {
        parameters: {
            query?: {
                /** @description Only those that get events of this mode: one of test, live. */
                mode?: ("test" | "live") | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The destinations, the oldest first. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationResponse"][];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    createOperatorEventDestination: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller for one thing to do, 1 to 255 printable characters. The same key and request within 24 hours gives the same answer, marked `Idempotent-Replayed: true`, and does nothing again; errors are not remembered. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventDestinationCreateRequest"];
            };
        };
        responses: {
            /** @description The destination with its secret. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationSecretResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There are 16 event destinations, which is the most. Or a request with the same `Idempotency-Key` is still running. */
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
    getOperatorEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The destination. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no event destination of the operator with this id. */
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
    updateOperatorEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventDestinationUpdateRequest"];
            };
        };
        responses: {
            /** @description The destination as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no event destination of the operator with this id. */
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
    deleteOperatorEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The destination is gone. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no event destination of the operator with this id. */
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
    rotateOperatorEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["EventDestinationRotateRequest"];
            };
        };
        responses: {
            /** @description The destination with its new secret. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDestinationSecretResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no event destination of the operator with this id. */
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
            /** @description The overlaps of five former secrets still run. */
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
    listEventDeliveries: {
        parameters: {
            query?: {
                /** @description Only those in this state: one of pending, delivered, failed. */
                state?: ("pending" | "delivered" | "failed") | null;
                /** @description Only those of this type: one of subscription.created, subscription.updated, subscription.ended, subscription.trial_ending, payment.succeeded, payment.failed, payment.refunded, payment.disputed, payment.dispute_closed, config.updated, config.deleted, credentials.invalid, credentials.recovered, credentials.expiring, endpoint.disabled, endpoint.recovered, endpoint.silent, signatures.failing, reconcile.repaired, member.added, member.removed, connect.completed, destination.failing, destination.disabled, destination.test. */
                type?: ("subscription.created" | "subscription.updated" | "subscription.ended" | "subscription.trial_ending" | "payment.succeeded" | "payment.failed" | "payment.refunded" | "payment.disputed" | "payment.dispute_closed" | "config.updated" | "config.deleted" | "credentials.invalid" | "credentials.recovered" | "credentials.expiring" | "endpoint.disabled" | "endpoint.recovered" | "endpoint.silent" | "signatures.failing" | "reconcile.repaired" | "member.added" | "member.removed" | "connect.completed" | "destination.failing" | "destination.disabled" | "destination.test") | null;
                /** @description `next_cursor` of the page before. */
                cursor?: string | null;
                /** @description How many deliveries a page has; fewer if their answers are large together. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The project's id. */
                project_id: string;
            };
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
                    "application/json": components["schemas"]["EventDeliveryListResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or there is no event destination with this id. */
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
    retryEventDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The id of the delivery, which is that of its event. */
                delivery_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDeliveryResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or there is no event destination with this id, or it has no delivery of this event. */
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
    recoverEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventRecoverRequest"];
            };
        };
        responses: {
            /** @description How many are sent again. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventRecoverResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or there is no event destination with this id. */
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
    testEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery with its attempt. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDeliveryResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or there is no event destination with this id. */
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
    listOperatorEventDeliveries: {
        parameters: {
            query?: {
                /** @description Only those in this state: one of pending, delivered, failed. */
                state?: ("pending" | "delivered" | "failed") | null;
                /** @description Only those of this type: one of subscription.created, subscription.updated, subscription.ended, subscription.trial_ending, payment.succeeded, payment.failed, payment.refunded, payment.disputed, payment.dispute_closed, config.updated, config.deleted, credentials.invalid, credentials.recovered, credentials.expiring, endpoint.disabled, endpoint.recovered, endpoint.silent, signatures.failing, reconcile.repaired, member.added, member.removed, connect.completed, destination.failing, destination.disabled, destination.test. */
                type?: ("subscription.created" | "subscription.updated" | "subscription.ended" | "subscription.trial_ending" | "payment.succeeded" | "payment.failed" | "payment.refunded" | "payment.disputed" | "payment.dispute_closed" | "config.updated" | "config.deleted" | "credentials.invalid" | "credentials.recovered" | "credentials.expiring" | "endpoint.disabled" | "endpoint.recovered" | "endpoint.silent" | "signatures.failing" | "reconcile.repaired" | "member.added" | "member.removed" | "connect.completed" | "destination.failing" | "destination.disabled" | "destination.test") | null;
                /** @description `next_cursor` of the page before. */
                cursor?: string | null;
                /** @description How many deliveries a page has; fewer if their answers are large together. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
            };
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
                    "application/json": components["schemas"]["EventDeliveryListResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no event destination of the operator with this id. */
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
    retryOperatorEventDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
                /** @description The id of the delivery, which is that of its event. */
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery as it is now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDeliveryResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such event destination of the operator, or it has no delivery of this event. */
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
    recoverOperatorEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventRecoverRequest"];
            };
        };
        responses: {
            /** @description How many are sent again. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventRecoverResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no event destination of the operator with this id. */
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
    testOperatorEventDestination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event destination's id. */
                destination_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery with its attempt. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventDeliveryResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no event destination of the operator with this id. */
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
    getStripeConfig: {
        parameters: {
            query?: never;
            header?: {
                /** @description Proceeds only if the current `ETag` is one of these or, with `*`, if there is an active configuration. */
                "If-Match"?: string;
                /** @description Proceeds only if the current `ETag` is none of these or, with `*`, if there is no active configuration. */
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
                    /** @description Tag of this state of the configuration. Every change makes another tag. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeConfigResponse"] | null;
                };
            };
            /** @description The configuration still has the tag in `If-None-Match`. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Tag of this state of the configuration. Every change makes another tag. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The configuration does not have a state that the headers require. `ETag` has the current tag. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Tag of this state of the configuration. Every change makes another tag. */
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
                /** @description Seconds for which a replaced webhook secret stays valid; by default the operator's setting. 0 ends it at once, together with earlier overlaps: in the modes whose webhook secret is in the body or, without any, in both modes. */
                webhook_secret_overlap?: number;
                /** @description Whether to verify the given secret keys with Stripe first. If Stripe refuses one, nothing is stored. */
                validate?: boolean;
            };
            header?: {
                /** @description Proceeds only if the current `ETag` is one of these or, with `*`, if there is an active configuration. */
                "If-Match"?: string;
                /** @description Proceeds only if the current `ETag` is none of these or, with `*`, if there is no active configuration. */
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
                    /** @description Tag of this state of the configuration. Every change makes another tag. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The configuration does not have a state that the headers require. `ETag` has the current tag. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Tag of this state of the configuration. Every change makes another tag. */
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
                /** @description Proceeds only if the current `ETag` is one of these or, with `*`, if there is an active configuration. */
                "If-Match"?: string;
                /** @description Proceeds only if the current `ETag` is none of these or, with `*`, if there is no active configuration. */
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
            /** @description The credentials are destroyed. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The configuration does not have a state that the headers require. `ETag` has the current tag. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Tag of this state of the configuration. Every change makes another tag. */
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
                /** @description Proceeds only if the current `ETag` is one of these or, with `*`, if there is an active configuration. */
                "If-Match"?: string;
                /** @description Proceeds only if the current `ETag` is none of these or, with `*`, if there is no active configuration. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description Mode of the credentials. */
                mode: "test" | "live";
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The credentials of the mode are destroyed. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The configuration does not have a state that the headers require. `ETag` has the current tag. */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Tag of this state of the configuration. Every change makes another tag. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
                page_size?: number;
                /** @description Only entries with this action: one of project.created, project.updated, project.deleted, config.created, config.updated, config.deleted, config.mode_deleted, credentials.validated, credentials.refused, webhook_endpoint.created, webhook_endpoint.removed, webhook_secret.expired, webhook_payload.read, service_account.created, service_account.updated, service_account.rotated, service_account.revoked, gateway_key.created, gateway_key.updated, gateway_key.rotated, gateway_key.revoked, gateway.paused, gateway.resumed, connect_link.created, connect_link.revoked, connect_link.used, event_destination.created, event_destination.updated, event_destination.rotated, event_destination.deleted, event_destination.disabled, member.added, member.changed, member.removed, invitation.created, invitation.withdrawn, project.transferred, history.pruned. */
                action?: ("project.created" | "project.updated" | "project.deleted" | "config.created" | "config.updated" | "config.deleted" | "config.mode_deleted" | "credentials.validated" | "credentials.refused" | "webhook_endpoint.created" | "webhook_endpoint.removed" | "webhook_secret.expired" | "webhook_payload.read" | "service_account.created" | "service_account.updated" | "service_account.rotated" | "service_account.revoked" | "gateway_key.created" | "gateway_key.updated" | "gateway_key.rotated" | "gateway_key.revoked" | "gateway.paused" | "gateway.resumed" | "connect_link.created" | "connect_link.revoked" | "connect_link.used" | "event_destination.created" | "event_destination.updated" | "event_destination.rotated" | "event_destination.deleted" | "event_destination.disabled" | "member.added" | "member.changed" | "member.removed" | "invitation.created" | "invitation.withdrawn" | "project.transferred" | "history.pruned") | null;
                /** @description Only entries of the actor with this `subject`. */
                actor?: string | null;
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    verifyStripeConfigHistory: {
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
            /** @description The result. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryVerification"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The verdict on the key. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
                page_size?: number;
                /** @description Only rows with this `user_id`. */
                user_id?: string | null;
                /** @description Only rows with this `customer_id`. */
                customer_id?: string | null;
                /** @description Only objects that Stripe created at this time or later. RFC 3339, with `Z` or an offset. */
                created_after?: string | null;
                /** @description Only objects that Stripe created before this time. RFC 3339, with `Z` or an offset. */
                created_before?: string | null;
                /** @description Only rows with `updated_at` at this time or later. To poll, read all pages, and use the last `updated_at` that you have seen for the next request. RFC 3339, with `Z` or an offset. */
                updated_since?: string | null;
                /** @description Newest first (`created_at`), or latest change last (`updated_at`, the default with `updated_since`): one of created_at, updated_at. */
                order?: ("created_at" | "updated_at") | null;
                /** @description Whether to list test mode instead of live mode. */
                test_mode?: boolean;
                /** @description Only the subscription with this `subscription_id` (Stripe's id). */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
                page_size?: number;
                /** @description Only rows with this `user_id`. */
                user_id?: string | null;
                /** @description Only rows with this `customer_id`. */
                customer_id?: string | null;
                /** @description Only objects that Stripe created at this time or later. RFC 3339, with `Z` or an offset. */
                created_after?: string | null;
                /** @description Only objects that Stripe created before this time. RFC 3339, with `Z` or an offset. */
                created_before?: string | null;
                /** @description Only rows with `updated_at` at this time or later. To poll, read all pages, and use the last `updated_at` that you have seen for the next request. RFC 3339, with `Z` or an offset. */
                updated_since?: string | null;
                /** @description Newest first (`created_at`), or latest change last (`updated_at`, the default with `updated_since`): one of created_at, updated_at. */
                order?: ("created_at" | "updated_at") | null;
                /** @description Whether to list test mode instead of live mode. */
                test_mode?: boolean;
                /** @description Only the payment with this `payment_intent_id` (Stripe's id). */
                payment_intent_id?: string | null;
                /** @description Only payments with this `subscription_id`. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
                page_size?: number;
                /** @description Only rows with this `user_id`. */
                user_id?: string | null;
                /** @description Only rows with this `customer_id`. */
                customer_id?: string | null;
                /** @description Only objects that Stripe created at this time or later. RFC 3339, with `Z` or an offset. */
                created_after?: string | null;
                /** @description Only objects that Stripe created before this time. RFC 3339, with `Z` or an offset. */
                created_before?: string | null;
                /** @description Only rows with `updated_at` at this time or later. To poll, read all pages, and use the last `updated_at` that you have seen for the next request. RFC 3339, with `Z` or an offset. */
                updated_since?: string | null;
                /** @description Newest first (`created_at`), or latest change last (`updated_at`, the default with `updated_since`): one of created_at, updated_at. */
                order?: ("created_at" | "updated_at") | null;
                /** @description Only those of this project. */
                project_id?: string | null;
                /** @description Test mode only, or live mode only; by default both. */
                test_mode?: boolean | null;
                /** @description Only the subscription with this `subscription_id` (Stripe's id). */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
                page_size?: number;
                /** @description Only rows with this `user_id`. */
                user_id?: string | null;
                /** @description Only rows with this `customer_id`. */
                customer_id?: string | null;
                /** @description Only objects that Stripe created at this time or later. RFC 3339, with `Z` or an offset. */
                created_after?: string | null;
                /** @description Only objects that Stripe created before this time. RFC 3339, with `Z` or an offset. */
                created_before?: string | null;
                /** @description Only rows with `updated_at` at this time or later. To poll, read all pages, and use the last `updated_at` that you have seen for the next request. RFC 3339, with `Z` or an offset. */
                updated_since?: string | null;
                /** @description Newest first (`created_at`), or latest change last (`updated_at`, the default with `updated_since`): one of created_at, updated_at. */
                order?: ("created_at" | "updated_at") | null;
                /** @description Only those of this project. */
                project_id?: string | null;
                /** @description Test mode only, or live mode only; by default both. */
                test_mode?: boolean | null;
                /** @description Only the payment with this `payment_intent_id` (Stripe's id). */
                payment_intent_id?: string | null;
                /** @description Only payments with this `subscription_id`. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
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
                     * @description Link to the next page, if there is one: `<…>; rel="next"` (RFC 8288), relative to this URL.
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description Whether test mode counts in addition to live mode. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description The first day (UTC), or a time on that day. By default 29 days before the last day. */
                from?: string | null;
                /** @description The last day (UTC, inclusive), or the exclusive end as a time. By default today. */
                to?: string | null;
                /** @description The length of one point; weeks begin on Monday: one of day, week, month. */
                interval?: "day" | "week" | "month";
                /** @description Only this mode; by default the sum of both: one of test, live. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description The first day (UTC), or a time on that day. By default 29 days before the last day. */
                from?: string | null;
                /** @description The last day (UTC, inclusive), or the exclusive end as a time. By default today. */
                to?: string | null;
                /** @description The length of one point; weeks begin on Monday: one of day, week, month. */
                interval?: "day" | "week" | "month";
                /** @description Only this mode; by default the sum of both: one of test, live. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The payment was declined, needs a confirmation, or there is no card. Nothing was changed. */
            402: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The project's Stripe account prevents the operation, or a request with the same `Idempotency-Key` is still running. */
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
            /** @description The payment was declined, needs a confirmation, or there is no card. Nothing was changed. */
            402: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The project's Stripe account prevents the operation, or a request with the same `Idempotency-Key` is still running. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The subscription is cancelled. */
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
            /** @description The payment was declined, needs a confirmation, or there is no card. Nothing was changed. */
            402: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The project's Stripe account prevents the operation, or a request with the same `Idempotency-Key` is still running. */
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
            /** @description The subscription has the new price. */
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
            /** @description The payment was declined, needs a confirmation, or there is no card. Nothing was changed. */
            402: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The project's Stripe account prevents the operation, or a request with the same `Idempotency-Key` is still running. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The project has 100 gateway keys, which is the most. Or a request with the same `Idempotency-Key` is still running. */
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
    getGatewayKeyUsage: {
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
            /** @description The days with requests, the newest first. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GatewayKeyUsageResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    pauseProjectGateway: {
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
                "application/json": components["schemas"]["ProjectGateway"];
            };
        };
        responses: {
            /** @description The state now. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectGateway"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The endpoint existed already. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpointResponse"];
                };
            };
            /** @description The endpoint was created. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description Stripe prevents the operation: an endpoint that was not created here, the limit of endpoints, or a key that is refused or lacks a permission. Or another call is not finished (with `Retry-After`). */
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
                /** @description Mode of the endpoint. */
                mode: "test" | "live";
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The endpoint is removed. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or the mode has no secret key, or no endpoint that was created here. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description Stripe prevents the operation: an endpoint that was not created here, the limit of endpoints, or a key that is refused or lacks a permission. Or another call is not finished (with `Retry-After`). */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
                /** @description Mode of the events: `test` or `live`. */
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
                /** @description Number of the page, from 1. */
                page?: number;
                /** @description Entries per page. */
                page_size?: number;
                /** @description Only events of this mode. */
                mode?: "test" | "live";
                /** @description Only events with this outcome. */
                outcome?: "applied" | "ignored" | "unreadable" | "failed" | "open";
                /** @description Only events of this type. */
                type?: string | null;
                /** @description Only events about this subscription or payment: Stripe's id of a subscription or a PaymentIntent, of a charge without a PaymentIntent, or of an invoice that was paid outside of Stripe. */
                object_id?: string | null;
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
            /** @description One page of the events. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    getStripeEventPayload: {
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
            /** @description Stripe's event. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The payload of this event was deleted. */
            410: {
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description Stripe must be asked, and refuses the stored key. */
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
            /** @description The payload of this event was deleted. */
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
            /** @description The report of the reconciliation. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    listConnectLinks: {
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
            /** @description The links, the oldest first. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectLinkResponse"][];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
    createConnectLink: {
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
                "application/json": components["schemas"]["ConnectLinkCreateRequest"];
            };
        };
        responses: {
            /** @description The link. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectLinkCreatedResponse"];
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description The project has 100 open links, which is the most. Or a request with the same `Idempotency-Key` is still running. */
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
    revokeConnectLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The link's id. */
                connect_link_id: string;
                /** @description The project's id. */
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The link has ended. */
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
            /** @description The caller has no role in the project, the role lacks the permission, or the token is of another kind. */
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
            /** @description There is no such project, or it has no open link with this id. */
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
    getConnectPage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the page shows. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectPage"];
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
            /** @description There is no token of a link. */
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
            /** @description There is no such link. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The link was used, revoked, or has expired. */
            410: {
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
    checkConnectKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectKeyRequest"];
            };
        };
        responses: {
            /** @description The verdict. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectVerdict"];
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
            /** @description There is no token of a link. */
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
            /** @description There is no such link. */
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
            /** @description The link was used, revoked, or has expired. */
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
    completeConnectLink: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectKeyRequest"];
            };
        };
        responses: {
            /** @description The key is stored. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectCompletion"];
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
            /** @description There is no token of a link. */
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
            /** @description There is no such link. */
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
            /** @description The link was used, revoked, or has expired. */
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
    onSubscriptionCreatedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubscriptionCreatedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onSubscriptionUpdatedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubscriptionUpdatedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onSubscriptionEndedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubscriptionEndedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onSubscriptionTrialEndingEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubscriptionTrialEndingEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onPaymentSucceededEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PaymentSucceededEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onPaymentFailedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PaymentFailedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onPaymentRefundedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PaymentRefundedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onPaymentDisputedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PaymentDisputedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onPaymentDisputeClosedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PaymentDisputeClosedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onConfigUpdatedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigUpdatedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onConfigDeletedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigDeletedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onCredentialsInvalidEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CredentialsInvalidEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onCredentialsRecoveredEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CredentialsRecoveredEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onCredentialsExpiringEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CredentialsExpiringEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onEndpointDisabledEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndpointDisabledEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onEndpointRecoveredEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndpointRecoveredEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onEndpointSilentEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndpointSilentEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onSignaturesFailingEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignaturesFailingEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onReconcileRepairedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReconcileRepairedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onMemberAddedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberAddedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onMemberRemovedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberRemovedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onConnectCompletedEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectCompletedEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDestinationFailingEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DestinationFailingEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDestinationDisabledEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DestinationDisabledEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onDestinationTestEvent: {
        parameters: {
            query?: never;
            header: {
                /** @description The `id` of the event. */
                "webhook-id": string;
                /** @description When this attempt was made, in seconds since 1970. */
                "webhook-timestamp": string;
                /** @description Signatures of id, timestamp and body, separated by spaces: two during an overlap of secrets. */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DestinationTestEvent"];
            };
        };
        responses: {
            /** @description The receiver wants no events any more; its destination is disabled. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The event was received. Any other answer is tried again. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}

/** Operations that take an `Idempotency-Key`. */
export const IDEMPOTENT_OPERATIONS = [
  "POST /api/v1/payments/stripe/projects/{project_id}/event-destinations",
  "POST /api/v1/operator/event-destinations",
  "POST /api/v1/payments/stripe/checkout-session",
  "POST /api/v1/payments/stripe/cancel-subscription",
  "POST /api/v1/payments/stripe/update-subscription",
  "POST /api/v1/payments/stripe/projects/{project_id}/gateway-keys",
  "POST /api/v1/payments/stripe/projects/{project_id}/webhook-endpoints",
  "POST /api/v1/payments/stripe/projects/{project_id}/connect-links"
] as const;
