/** The screens that nobody sees first, in one file: a second request is enough for all of them. */
export { Access } from './access/access';
export { Account } from './account/account';
export { Invitation } from './account/invitation';
export { ForgottenPassword, NewPassword } from './account/passwords';
export { Events } from './events/events';
export { History } from './history';
export { Money } from './money/money';
export { Payment, Subscription } from './money/object';
export { NewProject } from './new-project';
export { AllProjects } from './operator/projects';
export { System } from './operator/system';
export { Overview } from './overview';
export { Stripe } from './stripe/stripe';
