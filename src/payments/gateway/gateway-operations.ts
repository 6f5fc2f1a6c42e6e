// Made by scripts/gateway-operations.mjs from stripe 23.1.0.

/** Resources, each with methods and paths of its operations, and the objects that they return. */
export const OPERATIONS = `
account
  GET /v1/account = account
account_links
  POST /v1/account_links = account_link
account_sessions
  POST /v1/account_sessions = account_session
accounts
  GET POST /v1/accounts = account
  DELETE GET POST /v1/accounts/{} = account
  GET /v1/accounts/{}/capabilities = capability
  GET POST /v1/accounts/{}/capabilities/{} = capability
  GET POST /v1/accounts/{}/external_accounts = bank_account card
  DELETE GET POST /v1/accounts/{}/external_accounts/{} = bank_account card
  POST /v1/accounts/{}/login_links = login_link
  GET POST /v1/accounts/{}/persons = person
  DELETE GET POST /v1/accounts/{}/persons/{} = person
  POST /v1/accounts/{}/reject = account
  POST /v1/accounts/{}/unreject = account
apple_pay/domains
  GET POST /v1/apple_pay/domains = apple_pay_domain
  DELETE GET /v1/apple_pay/domains/{} = apple_pay_domain
application_fees
  GET /v1/application_fees = application_fee
  GET /v1/application_fees/{} = application_fee
  GET POST /v1/application_fees/{}/refunds = fee_refund
  GET POST /v1/application_fees/{}/refunds/{} = fee_refund
apps/installs
  GET POST /v1/apps/installs = apps.install
  GET POST /v1/apps/installs/{} = apps.install
  POST /v1/apps/installs/{}/uninstall = apps.install
apps/secrets
  GET POST /v1/apps/secrets = apps.secret
  POST /v1/apps/secrets/delete = apps.secret
  GET /v1/apps/secrets/find = apps.secret
balance
  GET /v1/balance = balance
balance_settings
  GET POST /v1/balance_settings = balance_settings
balance_transactions
  GET /v1/balance_transactions = balance_transaction
  GET /v1/balance_transactions/{} = balance_transaction
billing/alerts
  GET POST /v1/billing/alerts = billing.alert
  GET /v1/billing/alerts/{} = billing.alert
  POST /v1/billing/alerts/{}/activate = billing.alert
  POST /v1/billing/alerts/{}/archive = billing.alert
  POST /v1/billing/alerts/{}/deactivate = billing.alert
billing/credit_balance_summary
  GET /v1/billing/credit_balance_summary = billing.credit_balance_summary
billing/credit_balance_transactions
  GET /v1/billing/credit_balance_transactions = billing.credit_balance_transaction
  GET /v1/billing/credit_balance_transactions/{} = billing.credit_balance_transaction
billing/credit_grants
  GET POST /v1/billing/credit_grants = billing.credit_grant
  GET POST /v1/billing/credit_grants/{} = billing.credit_grant
  POST /v1/billing/credit_grants/{}/expire = billing.credit_grant
  POST /v1/billing/credit_grants/{}/void = billing.credit_grant
billing/feedback_options
  GET POST /v1/billing/feedback_options = billing.feedback_option
  GET POST /v1/billing/feedback_options/{} = billing.feedback_option
  POST /v1/billing/feedback_options/{}/deactivate = billing.feedback_option
billing/meter_event_adjustments
  POST /v1/billing/meter_event_adjustments = billing.meter_event_adjustment
  POST /v2/billing/meter_event_adjustments
billing/meter_events
  POST /v1/billing/meter_events = billing.meter_event
  POST /v2/billing/meter_events
billing/meters
  GET POST /v1/billing/meters = billing.meter
  GET POST /v1/billing/meters/{} = billing.meter
  POST /v1/billing/meters/{}/deactivate = billing.meter
  GET /v1/billing/meters/{}/event_summaries = billing.meter_event_summary
  POST /v1/billing/meters/{}/reactivate = billing.meter
billing_portal/configurations
  GET POST /v1/billing_portal/configurations = billing_portal.configuration
  GET POST /v1/billing_portal/configurations/{} = billing_portal.configuration
billing_portal/sessions
  POST /v1/billing_portal/sessions = billing_portal.session
charges
  GET POST /v1/charges = charge
  GET /v1/charges/search = charge
  GET POST /v1/charges/{} = charge
  POST /v1/charges/{}/capture = charge
checkout/sessions
  GET POST /v1/checkout/sessions = checkout.session
  GET POST /v1/checkout/sessions/{} = checkout.session
  POST /v1/checkout/sessions/{}/expire = checkout.session
  GET /v1/checkout/sessions/{}/line_items = item
climate/orders
  GET POST /v1/climate/orders = climate.order
  GET POST /v1/climate/orders/{} = climate.order
  POST /v1/climate/orders/{}/cancel = climate.order
climate/products
  GET /v1/climate/products = climate.product
  GET /v1/climate/products/{} = climate.product
climate/suppliers
  GET /v1/climate/suppliers = climate.supplier
  GET /v1/climate/suppliers/{} = climate.supplier
commerce/product_catalog/imports
  GET POST /v2/commerce/product_catalog/imports
  GET /v2/commerce/product_catalog/imports/{}
confirmation_tokens
  GET /v1/confirmation_tokens/{} = confirmation_token
core/account_links
  POST /v2/core/account_links
core/account_tokens
  POST /v2/core/account_tokens
  GET /v2/core/account_tokens/{}
core/accounts
  GET POST /v2/core/accounts
  GET POST /v2/core/accounts/{}
  POST /v2/core/accounts/{}/close
  POST /v2/core/accounts/{}/person_tokens
  GET /v2/core/accounts/{}/person_tokens/{}
  GET POST /v2/core/accounts/{}/persons
  DELETE GET POST /v2/core/accounts/{}/persons/{}
core/event_destinations
  GET POST /v2/core/event_destinations
  DELETE GET POST /v2/core/event_destinations/{}
  POST /v2/core/event_destinations/{}/disable
  POST /v2/core/event_destinations/{}/enable
  POST /v2/core/event_destinations/{}/ping
core/events
  GET /v2/core/events
  GET /v2/core/events/{}
core/vault/gb_bank_accounts
  GET POST /v2/core/vault/gb_bank_accounts
  GET /v2/core/vault/gb_bank_accounts/{}
  POST /v2/core/vault/gb_bank_accounts/{}/archive
  POST /v2/core/vault/gb_bank_accounts/{}/unarchive
core/vault/us_bank_accounts
  GET POST /v2/core/vault/us_bank_accounts
  GET POST /v2/core/vault/us_bank_accounts/{}
  POST /v2/core/vault/us_bank_accounts/{}/archive
  POST /v2/core/vault/us_bank_accounts/{}/confirm_microdeposits
  POST /v2/core/vault/us_bank_accounts/{}/send_microdeposits
  POST /v2/core/vault/us_bank_accounts/{}/unarchive
country_specs
  GET /v1/country_specs = country_spec
  GET /v1/country_specs/{} = country_spec
coupons
  GET POST /v1/coupons = coupon
  DELETE GET POST /v1/coupons/{} = coupon
credit_notes
  GET POST /v1/credit_notes = credit_note
  GET /v1/credit_notes/preview = credit_note
  GET /v1/credit_notes/preview/lines = credit_note_line_item
  GET POST /v1/credit_notes/{} = credit_note
  GET /v1/credit_notes/{}/lines = credit_note_line_item
  POST /v1/credit_notes/{}/void = credit_note
customer_sessions
  POST /v1/customer_sessions = customer_session
customers
  GET POST /v1/customers = customer
  GET /v1/customers/search = customer
  DELETE GET POST /v1/customers/{} = customer
  GET POST /v1/customers/{}/balance_transactions = customer_balance_transaction
  GET POST /v1/customers/{}/balance_transactions/{} = customer_balance_transaction
  GET POST /v1/customers/{}/cash_balance = cash_balance
  GET /v1/customers/{}/cash_balance_transactions = customer_cash_balance_transaction
  GET /v1/customers/{}/cash_balance_transactions/{} = customer_cash_balance_transaction
  DELETE /v1/customers/{}/discount = discount
  POST /v1/customers/{}/funding_instructions = funding_instructions
  GET /v1/customers/{}/payment_methods = payment_method
  GET /v1/customers/{}/payment_methods/{} = payment_method
  GET POST /v1/customers/{}/sources = account bank_account card source
  DELETE GET POST /v1/customers/{}/sources/{} = account bank_account card source
  POST /v1/customers/{}/sources/{}/verify = bank_account
  GET POST /v1/customers/{}/tax_ids = tax_id
  DELETE GET /v1/customers/{}/tax_ids/{} = tax_id
disputes
  GET /v1/disputes = dispute
  GET POST /v1/disputes/{} = dispute
  POST /v1/disputes/{}/close = dispute
entitlements/active_entitlements
  GET /v1/entitlements/active_entitlements = entitlements.active_entitlement
  GET /v1/entitlements/active_entitlements/{} = entitlements.active_entitlement
entitlements/features
  GET POST /v1/entitlements/features = entitlements.feature
  GET POST /v1/entitlements/features/{} = entitlements.feature
ephemeral_keys
  POST /v1/ephemeral_keys = ephemeral_key
  DELETE /v1/ephemeral_keys/{} = ephemeral_key
events
  GET /v1/events = event
  GET /v1/events/{} = event
exchange_rates
  GET /v1/exchange_rates = exchange_rate
  GET /v1/exchange_rates/{} = exchange_rate
file_links
  GET POST /v1/file_links = file_link
  GET POST /v1/file_links/{} = file_link
files
  GET POST@files /v1/files = file
  GET /v1/files/{} = file
  GET@files /v1/files/{}/contents
financial_connections/accounts
  GET /v1/financial_connections/accounts = financial_connections.account
  GET /v1/financial_connections/accounts/{} = financial_connections.account
  POST /v1/financial_connections/accounts/{}/disconnect = financial_connections.account
  GET /v1/financial_connections/accounts/{}/owners = financial_connections.account_owner
  POST /v1/financial_connections/accounts/{}/refresh = financial_connections.account
  POST /v1/financial_connections/accounts/{}/subscribe = financial_connections.account
  POST /v1/financial_connections/accounts/{}/unsubscribe = financial_connections.account
financial_connections/sessions
  POST /v1/financial_connections/sessions = financial_connections.session
  GET /v1/financial_connections/sessions/{} = financial_connections.session
financial_connections/transactions
  GET /v1/financial_connections/transactions = financial_connections.transaction
  GET /v1/financial_connections/transactions/{} = financial_connections.transaction
forwarding/requests
  GET POST /v1/forwarding/requests = forwarding.request
  GET /v1/forwarding/requests/{} = forwarding.request
identity/verification_reports
  GET /v1/identity/verification_reports = identity.verification_report
  GET /v1/identity/verification_reports/{} = identity.verification_report
identity/verification_sessions
  GET POST /v1/identity/verification_sessions = identity.verification_session
  GET POST /v1/identity/verification_sessions/{} = identity.verification_session
  POST /v1/identity/verification_sessions/{}/cancel = identity.verification_session
  POST /v1/identity/verification_sessions/{}/redact = identity.verification_session
invoice_payments
  GET /v1/invoice_payments = invoice_payment
  GET /v1/invoice_payments/{} = invoice_payment
invoice_rendering_templates
  GET /v1/invoice_rendering_templates = invoice_rendering_template
  GET /v1/invoice_rendering_templates/{} = invoice_rendering_template
  POST /v1/invoice_rendering_templates/{}/archive = invoice_rendering_template
  POST /v1/invoice_rendering_templates/{}/unarchive = invoice_rendering_template
invoiceitems
  GET POST /v1/invoiceitems = invoiceitem
  DELETE GET POST /v1/invoiceitems/{} = invoiceitem
invoices
  GET POST /v1/invoices = invoice
  POST /v1/invoices/create_preview = invoice
  GET /v1/invoices/search = invoice
  DELETE GET POST /v1/invoices/{} = invoice
  POST /v1/invoices/{}/add_lines = invoice
  POST /v1/invoices/{}/attach_payment = invoice
  POST /v1/invoices/{}/finalize = invoice
  GET /v1/invoices/{}/lines = line_item
  POST /v1/invoices/{}/lines/{} = line_item
  POST /v1/invoices/{}/mark_uncollectible = invoice
  POST /v1/invoices/{}/pay = invoice
  POST /v1/invoices/{}/remove_lines = invoice
  POST /v1/invoices/{}/send = invoice
  POST /v1/invoices/{}/update_lines = invoice
  POST /v1/invoices/{}/void = invoice
issuing/authorizations
  GET /v1/issuing/authorizations = issuing.authorization
  GET POST /v1/issuing/authorizations/{} = issuing.authorization
  POST /v1/issuing/authorizations/{}/approve = issuing.authorization
  POST /v1/issuing/authorizations/{}/decline = issuing.authorization
issuing/cardholders
  GET POST /v1/issuing/cardholders = issuing.cardholder
  GET POST /v1/issuing/cardholders/{} = issuing.cardholder
issuing/cards
  GET POST /v1/issuing/cards = issuing.card
  GET POST /v1/issuing/cards/{} = issuing.card
issuing/disputes
  GET POST /v1/issuing/disputes = issuing.dispute
  GET POST /v1/issuing/disputes/{} = issuing.dispute
  POST /v1/issuing/disputes/{}/submit = issuing.dispute
issuing/personalization_designs
  GET POST /v1/issuing/personalization_designs = issuing.personalization_design
  GET POST /v1/issuing/personalization_designs/{} = issuing.personalization_design
issuing/physical_bundles
  GET /v1/issuing/physical_bundles = issuing.physical_bundle
  GET /v1/issuing/physical_bundles/{} = issuing.physical_bundle
issuing/tokens
  GET /v1/issuing/tokens = issuing.token
  GET POST /v1/issuing/tokens/{} = issuing.token
issuing/transactions
  GET /v1/issuing/transactions = issuing.transaction
  GET POST /v1/issuing/transactions/{} = issuing.transaction
mandates
  GET /v1/mandates/{} = mandate
money_management/adjustments
  GET /v2/money_management/adjustments
  GET /v2/money_management/adjustments/{}
money_management/financial_accounts
  GET /v2/money_management/financial_accounts
  GET POST /v2/money_management/financial_accounts/{}
money_management/financial_addresses
  GET POST /v2/money_management/financial_addresses
  GET /v2/money_management/financial_addresses/{}
money_management/inbound_transfers
  GET POST /v2/money_management/inbound_transfers
  GET /v2/money_management/inbound_transfers/{}
money_management/outbound_payments
  GET POST /v2/money_management/outbound_payments
  GET /v2/money_management/outbound_payments/{}
  POST /v2/money_management/outbound_payments/{}/cancel
money_management/outbound_setup_intents
  GET POST /v2/money_management/outbound_setup_intents
  GET POST /v2/money_management/outbound_setup_intents/{}
  POST /v2/money_management/outbound_setup_intents/{}/cancel
money_management/payout_intents
  GET POST /v2/money_management/payout_intents
  GET POST /v2/money_management/payout_intents/{}
  POST /v2/money_management/payout_intents/{}/cancel
  POST /v2/money_management/payout_intents/{}/confirm
  POST /v2/money_management/payout_intents/{}/refresh_fx_quote
  POST /v2/money_management/payout_intents/{}/refresh_recipient_verification
money_management/payout_methods
  GET /v2/money_management/payout_methods
  GET /v2/money_management/payout_methods/{}
  POST /v2/money_management/payout_methods/{}/archive
  POST /v2/money_management/payout_methods/{}/unarchive
money_management/payout_methods_bank_account_spec
  GET /v2/money_management/payout_methods_bank_account_spec
money_management/received_credits
  GET /v2/money_management/received_credits
  GET /v2/money_management/received_credits/{}
money_management/recipient_verifications
  POST /v2/money_management/recipient_verifications
  GET /v2/money_management/recipient_verifications/{}
  POST /v2/money_management/recipient_verifications/{}/acknowledge
money_management/test_helpers/financial_addresses
  POST /v2/money_management/test_helpers/financial_addresses/{}/credit
money_management/transaction_entries
  GET /v2/money_management/transaction_entries
  GET /v2/money_management/transaction_entries/{}
money_management/transactions
  GET /v2/money_management/transactions
  GET POST /v2/money_management/transactions/{}
  POST /v2/money_management/transactions/{}/refresh_regulatory_receipt
payment_attempt_records
  GET /v1/payment_attempt_records = payment_attempt_record
  GET /v1/payment_attempt_records/{} = payment_attempt_record
payment_intents
  GET POST /v1/payment_intents = payment_intent
  GET /v1/payment_intents/search = payment_intent
  GET POST /v1/payment_intents/{} = payment_intent
  GET /v1/payment_intents/{}/amount_details_line_items = payment_intent_amount_details_line_item
  POST /v1/payment_intents/{}/apply_customer_balance = payment_intent
  POST /v1/payment_intents/{}/cancel = payment_intent
  POST /v1/payment_intents/{}/capture = payment_intent
  POST /v1/payment_intents/{}/confirm = payment_intent
  POST /v1/payment_intents/{}/increment_authorization = payment_intent
  POST /v1/payment_intents/{}/verify_microdeposits = payment_intent
payment_links
  GET POST /v1/payment_links = payment_link
  GET POST /v1/payment_links/{} = payment_link
  GET /v1/payment_links/{}/line_items = item
payment_method_configurations
  GET POST /v1/payment_method_configurations = payment_method_configuration
  GET POST /v1/payment_method_configurations/{} = payment_method_configuration
payment_method_domains
  GET POST /v1/payment_method_domains = payment_method_domain
  GET POST /v1/payment_method_domains/{} = payment_method_domain
  POST /v1/payment_method_domains/{}/validate = payment_method_domain
payment_methods
  GET POST /v1/payment_methods = payment_method
  GET POST /v1/payment_methods/{} = payment_method
  POST /v1/payment_methods/{}/attach = payment_method
  POST /v1/payment_methods/{}/detach = payment_method
payment_records
  GET /v1/payment_records = payment_record
  POST /v1/payment_records/report_payment = payment_record
  GET /v1/payment_records/{} = payment_record
  POST /v1/payment_records/{}/report_payment_attempt = payment_record
  POST /v1/payment_records/{}/report_payment_attempt_canceled = payment_record
  POST /v1/payment_records/{}/report_payment_attempt_failed = payment_record
  POST /v1/payment_records/{}/report_payment_attempt_guaranteed = payment_record
  POST /v1/payment_records/{}/report_payment_attempt_informational = payment_record
  POST /v1/payment_records/{}/report_refund = payment_record
payouts
  GET POST /v1/payouts = payout
  GET POST /v1/payouts/{} = payout
  POST /v1/payouts/{}/cancel = payout
  POST /v1/payouts/{}/reverse = payout
plans
  GET POST /v1/plans = plan
  DELETE GET POST /v1/plans/{} = plan
prices
  GET POST /v1/prices = price
  GET /v1/prices/search = price
  GET POST /v1/prices/{} = price
product_catalog/trial_offers
  GET POST /v1/product_catalog/trial_offers = product_catalog.trial_offer
  GET POST /v1/product_catalog/trial_offers/{} = product_catalog.trial_offer
products
  GET POST /v1/products = product
  GET /v1/products/search = product
  DELETE GET POST /v1/products/{} = product
  GET POST /v1/products/{}/features = product_feature
  DELETE GET /v1/products/{}/features/{} = product_feature
promotion_codes
  GET POST /v1/promotion_codes = promotion_code
  GET POST /v1/promotion_codes/{} = promotion_code
quotes
  GET POST /v1/quotes = quote
  GET POST /v1/quotes/{} = quote
  POST /v1/quotes/{}/accept = quote
  POST /v1/quotes/{}/cancel = quote
  GET /v1/quotes/{}/computed_upfront_line_items = item
  POST /v1/quotes/{}/finalize = quote
  GET /v1/quotes/{}/line_items = item
  GET@files /v1/quotes/{}/pdf
radar/early_fraud_warnings
  GET /v1/radar/early_fraud_warnings = radar.early_fraud_warning
  GET /v1/radar/early_fraud_warnings/{} = radar.early_fraud_warning
radar/payment_evaluations
  POST /v1/radar/payment_evaluations = radar.payment_evaluation
radar/value_list_items
  GET POST /v1/radar/value_list_items = radar.value_list_item
  DELETE GET /v1/radar/value_list_items/{} = radar.value_list_item
radar/value_lists
  GET POST /v1/radar/value_lists = radar.value_list
  DELETE GET POST /v1/radar/value_lists/{} = radar.value_list
refunds
  GET POST /v1/refunds = refund
  GET POST /v1/refunds/{} = refund
  POST /v1/refunds/{}/cancel = refund
reporting/report_runs
  GET POST /v1/reporting/report_runs = reporting.report_run
  GET /v1/reporting/report_runs/{} = reporting.report_run
reporting/report_types
  GET /v1/reporting/report_types = reporting.report_type
  GET /v1/reporting/report_types/{} = reporting.report_type
reviews
  GET /v1/reviews = review
  GET /v1/reviews/{} = review
  POST /v1/reviews/{}/approve = review
setup_attempts
  GET /v1/setup_attempts = setup_attempt
setup_intents
  GET POST /v1/setup_intents = setup_intent
  GET POST /v1/setup_intents/{} = setup_intent
  POST /v1/setup_intents/{}/cancel = setup_intent
  POST /v1/setup_intents/{}/confirm = setup_intent
  POST /v1/setup_intents/{}/verify_microdeposits = setup_intent
shipping_rates
  GET POST /v1/shipping_rates = shipping_rate
  GET POST /v1/shipping_rates/{} = shipping_rate
sigma/scheduled_query_runs
  GET /v1/sigma/scheduled_query_runs = scheduled_query_run
  GET /v1/sigma/scheduled_query_runs/{} = scheduled_query_run
sources
  POST /v1/sources = source
  GET POST /v1/sources/{} = source
  GET /v1/sources/{}/source_transactions = source_transaction
  POST /v1/sources/{}/verify = source
subscription_items
  GET POST /v1/subscription_items = subscription_item
  DELETE GET POST /v1/subscription_items/{} = subscription_item
subscription_schedules
  GET POST /v1/subscription_schedules = subscription_schedule
  GET POST /v1/subscription_schedules/{} = subscription_schedule
  POST /v1/subscription_schedules/{}/cancel = subscription_schedule
  POST /v1/subscription_schedules/{}/release = subscription_schedule
subscriptions
  GET POST /v1/subscriptions = subscription
  GET /v1/subscriptions/search = subscription
  DELETE GET POST /v1/subscriptions/{} = subscription
  DELETE /v1/subscriptions/{}/discount = discount
  POST /v1/subscriptions/{}/migrate = subscription
  POST /v1/subscriptions/{}/pause = subscription
  POST /v1/subscriptions/{}/resume = subscription
tax/associations
  GET /v1/tax/associations/find = tax.association
tax/calculations
  POST /v1/tax/calculations = tax.calculation
  GET /v1/tax/calculations/{} = tax.calculation
  GET /v1/tax/calculations/{}/line_items = tax.calculation_line_item
tax/locations
  GET POST /v1/tax/locations = tax.location
  GET /v1/tax/locations/{} = tax.location
tax/registrations
  GET POST /v1/tax/registrations = tax.registration
  GET POST /v1/tax/registrations/{} = tax.registration
tax/settings
  GET POST /v1/tax/settings = tax.settings
tax/transactions
  POST /v1/tax/transactions/create_from_calculation = tax.transaction
  POST /v1/tax/transactions/create_reversal = tax.transaction
  GET /v1/tax/transactions/{} = tax.transaction
  GET /v1/tax/transactions/{}/line_items = tax.transaction_line_item
tax_codes
  GET /v1/tax_codes = tax_code
  GET /v1/tax_codes/{} = tax_code
tax_ids
  GET POST /v1/tax_ids = tax_id
  DELETE GET /v1/tax_ids/{} = tax_id
tax_rates
  GET POST /v1/tax_rates = tax_rate
  GET POST /v1/tax_rates/{} = tax_rate
terminal/configurations
  GET POST /v1/terminal/configurations = terminal.configuration
  DELETE GET POST /v1/terminal/configurations/{} = terminal.configuration
terminal/connection_tokens
  POST /v1/terminal/connection_tokens = terminal.connection_token
terminal/locations
  GET POST /v1/terminal/locations = terminal.location
  DELETE GET POST /v1/terminal/locations/{} = terminal.location
terminal/onboarding_links
  POST /v1/terminal/onboarding_links = terminal.onboarding_link
terminal/readers
  GET POST /v1/terminal/readers = terminal.reader
  DELETE GET POST /v1/terminal/readers/{} = terminal.reader
  POST /v1/terminal/readers/{}/cancel_action = terminal.reader
  POST /v1/terminal/readers/{}/collect_inputs = terminal.reader
  POST /v1/terminal/readers/{}/collect_payment_method = terminal.reader
  POST /v1/terminal/readers/{}/confirm_payment_intent = terminal.reader
  POST /v1/terminal/readers/{}/process_payment_intent = terminal.reader
  POST /v1/terminal/readers/{}/process_setup_intent = terminal.reader
  POST /v1/terminal/readers/{}/refund_payment = terminal.reader
  POST /v1/terminal/readers/{}/set_reader_display = terminal.reader
test_helpers/confirmation_tokens
  POST /v1/test_helpers/confirmation_tokens = confirmation_token
test_helpers/customers
  POST /v1/test_helpers/customers/{}/fund_cash_balance = customer_cash_balance_transaction
test_helpers/issuing/authorizations
  POST /v1/test_helpers/issuing/authorizations = issuing.authorization
  POST /v1/test_helpers/issuing/authorizations/{}/capture = issuing.authorization
  POST /v1/test_helpers/issuing/authorizations/{}/expire = issuing.authorization
  POST /v1/test_helpers/issuing/authorizations/{}/finalize_amount = issuing.authorization
  POST /v1/test_helpers/issuing/authorizations/{}/fraud_challenges/respond = issuing.authorization
  POST /v1/test_helpers/issuing/authorizations/{}/increment = issuing.authorization
  POST /v1/test_helpers/issuing/authorizations/{}/reverse = issuing.authorization
test_helpers/issuing/cards
  POST /v1/test_helpers/issuing/cards/{}/shipping/deliver = issuing.card
  POST /v1/test_helpers/issuing/cards/{}/shipping/fail = issuing.card
  POST /v1/test_helpers/issuing/cards/{}/shipping/return = issuing.card
  POST /v1/test_helpers/issuing/cards/{}/shipping/ship = issuing.card
  POST /v1/test_helpers/issuing/cards/{}/shipping/submit = issuing.card
test_helpers/issuing/personalization_designs
  POST /v1/test_helpers/issuing/personalization_designs/{}/activate = issuing.personalization_design
  POST /v1/test_helpers/issuing/personalization_designs/{}/deactivate = issuing.personalization_design
  POST /v1/test_helpers/issuing/personalization_designs/{}/reject = issuing.personalization_design
test_helpers/issuing/transactions
  POST /v1/test_helpers/issuing/transactions/create_force_capture = issuing.transaction
  POST /v1/test_helpers/issuing/transactions/create_unlinked_refund = issuing.transaction
  POST /v1/test_helpers/issuing/transactions/{}/refund = issuing.transaction
test_helpers/money_management/recipient_verifications
  POST /v2/test_helpers/money_management/recipient_verifications
test_helpers/refunds
  POST /v1/test_helpers/refunds/{}/expire = refund
test_helpers/terminal/readers
  POST /v1/test_helpers/terminal/readers/{}/present_payment_method = terminal.reader
  POST /v1/test_helpers/terminal/readers/{}/succeed_input_collection = terminal.reader
  POST /v1/test_helpers/terminal/readers/{}/timeout_input_collection = terminal.reader
test_helpers/test_clocks
  GET POST /v1/test_helpers/test_clocks = test_helpers.test_clock
  DELETE GET /v1/test_helpers/test_clocks/{} = test_helpers.test_clock
  POST /v1/test_helpers/test_clocks/{}/advance = test_helpers.test_clock
test_helpers/treasury/inbound_transfers
  POST /v1/test_helpers/treasury/inbound_transfers/{}/fail = treasury.inbound_transfer
  POST /v1/test_helpers/treasury/inbound_transfers/{}/return = treasury.inbound_transfer
  POST /v1/test_helpers/treasury/inbound_transfers/{}/succeed = treasury.inbound_transfer
test_helpers/treasury/outbound_payments
  POST /v1/test_helpers/treasury/outbound_payments/{} = treasury.outbound_payment
  POST /v1/test_helpers/treasury/outbound_payments/{}/fail = treasury.outbound_payment
  POST /v1/test_helpers/treasury/outbound_payments/{}/post = treasury.outbound_payment
  POST /v1/test_helpers/treasury/outbound_payments/{}/return = treasury.outbound_payment
test_helpers/treasury/outbound_transfers
  POST /v1/test_helpers/treasury/outbound_transfers/{} = treasury.outbound_transfer
  POST /v1/test_helpers/treasury/outbound_transfers/{}/fail = treasury.outbound_transfer
  POST /v1/test_helpers/treasury/outbound_transfers/{}/post = treasury.outbound_transfer
  POST /v1/test_helpers/treasury/outbound_transfers/{}/return = treasury.outbound_transfer
test_helpers/treasury/received_credits
  POST /v1/test_helpers/treasury/received_credits = treasury.received_credit
test_helpers/treasury/received_debits
  POST /v1/test_helpers/treasury/received_debits = treasury.received_debit
three_d_secure/authentications
  GET POST /v1/three_d_secure/authentications = three_d_secure.authentication
  GET /v1/three_d_secure/authentications/{} = three_d_secure.authentication
  POST /v1/three_d_secure/authentications/{}/cancel = three_d_secure.authentication
  POST /v1/three_d_secure/authentications/{}/submit = three_d_secure.authentication
tokens
  POST /v1/tokens = token
  GET /v1/tokens/{} = token
topups
  GET POST /v1/topups = topup
  GET POST /v1/topups/{} = topup
  POST /v1/topups/{}/cancel = topup
transfers
  GET POST /v1/transfers = transfer
  GET POST /v1/transfers/{} = transfer
  GET POST /v1/transfers/{}/reversals = transfer_reversal
  GET POST /v1/transfers/{}/reversals/{} = transfer_reversal
treasury/credit_reversals
  GET POST /v1/treasury/credit_reversals = treasury.credit_reversal
  GET /v1/treasury/credit_reversals/{} = treasury.credit_reversal
treasury/debit_reversals
  GET POST /v1/treasury/debit_reversals = treasury.debit_reversal
  GET /v1/treasury/debit_reversals/{} = treasury.debit_reversal
treasury/financial_accounts
  GET POST /v1/treasury/financial_accounts = treasury.financial_account
  GET POST /v1/treasury/financial_accounts/{} = treasury.financial_account
  POST /v1/treasury/financial_accounts/{}/close = treasury.financial_account
  GET POST /v1/treasury/financial_accounts/{}/features = treasury.financial_account_features
treasury/inbound_transfers
  GET POST /v1/treasury/inbound_transfers = treasury.inbound_transfer
  GET /v1/treasury/inbound_transfers/{} = treasury.inbound_transfer
  POST /v1/treasury/inbound_transfers/{}/cancel = treasury.inbound_transfer
treasury/outbound_payments
  GET POST /v1/treasury/outbound_payments = treasury.outbound_payment
  GET /v1/treasury/outbound_payments/{} = treasury.outbound_payment
  POST /v1/treasury/outbound_payments/{}/cancel = treasury.outbound_payment
treasury/outbound_transfers
  GET POST /v1/treasury/outbound_transfers = treasury.outbound_transfer
  GET /v1/treasury/outbound_transfers/{} = treasury.outbound_transfer
  POST /v1/treasury/outbound_transfers/{}/cancel = treasury.outbound_transfer
treasury/received_credits
  GET /v1/treasury/received_credits = treasury.received_credit
  GET /v1/treasury/received_credits/{} = treasury.received_credit
treasury/received_debits
  GET /v1/treasury/received_debits = treasury.received_debit
  GET /v1/treasury/received_debits/{} = treasury.received_debit
treasury/transaction_entries
  GET /v1/treasury/transaction_entries = treasury.transaction_entry
  GET /v1/treasury/transaction_entries/{} = treasury.transaction_entry
treasury/transactions
  GET /v1/treasury/transactions = treasury.transaction
  GET /v1/treasury/transactions/{} = treasury.transaction
webhook_endpoints
  GET POST /v1/webhook_endpoints = webhook_endpoint
  DELETE GET POST /v1/webhook_endpoints/{} = webhook_endpoint
`;

/**
 * Objects, each with its resources, its own parts after `+`, and the fields with other objects. `+` marks an
 * object that is present without an expansion, and `@` the one of its resources that it belongs to there.
 */
export const OBJECTS = `
account = accounts
  + business_profile capabilities company controller future_requirements groups metadata requirements settings tos_acceptance
  company.verification.document.back: file
  company.verification.document.front: file
  external_accounts: bank_account@accounts card@accounts
  individual: person
  settings.branding.icon: file
  settings.branding.logo: file
  settings.invoices.default_account_tax_ids: tax_id
account_link =
account_session =
apple_pay_domain = apple_pay/domains
application =
application_fee = application_fees
  account: account
  application: application
  balance_transaction: balance_transaction
  charge: charge
  originating_transaction: charge
  refunds: +fee_refund
apps.install = apps/installs
apps.secret = apps/secrets
balance = balance
  + connect_reserved instant_available issuing refund_and_dispute_prefunding
balance_settings = balance_settings
balance_transaction = balance_transactions
  source: application_fee charge connect_collection_transfer customer_cash_balance_transaction dispute fee_refund issuing.authorization issuing.dispute issuing.transaction payout refund reserve_transaction tax_deducted_at_source topup transfer transfer_reversal
bank_account = accounts customers
  + future_requirements metadata requirements
  account: account
  customer: customer
billing.alert = billing/alerts
  usage_threshold.filters.customer: customer
  usage_threshold.meter: billing.meter
billing.credit_balance_summary = billing/credit_balance_summary
  customer: customer
billing.credit_balance_transaction = billing/credit_balance_transactions
  credit.credits_application_invoice_voided.invoice: invoice
  credit_grant: billing.credit_grant
  debit.credits_applied.invoice: invoice
  test_clock: test_helpers.test_clock
billing.credit_grant = billing/credit_grants
  customer: customer
  test_clock: test_helpers.test_clock
billing.feedback_option = billing/feedback_options
billing.meter = billing/meters
billing.meter_event =
billing.meter_event_adjustment =
billing.meter_event_summary =
billing_portal.configuration = billing_portal/configurations
  application: application
  features.subscription_cancel.cancellation_reason.feedback_options: billing.feedback_option
billing_portal.session =
  + after_expiration
  configuration: billing_portal.configuration
capability = accounts
  + future_requirements requirements
  account: account
card = accounts customers
  + networks
  account: account
  customer: customer
cash_balance =
charge = charges
  + level3 presentment_details radar_options
  application: application
  application_fee: application_fee
  balance_transaction: balance_transaction
  customer: customer
  dispute: dispute
  failure_balance_transaction: balance_transaction
  invoice: invoice
  on_behalf_of: account
  payment_intent: payment_intent
  payment_method_details.bancontact.generated_sepa_debit: payment_method
  payment_method_details.bancontact.generated_sepa_debit_mandate: mandate
  payment_method_details.card.mandate: mandate
  payment_method_details.ideal.generated_sepa_debit: payment_method
  payment_method_details.ideal.generated_sepa_debit_mandate: mandate
  payment_method_details.sofort.generated_sepa_debit: payment_method
  payment_method_details.sofort.generated_sepa_debit_mandate: mandate
  payment_method_details.us_bank_account.mandate: mandate
  refunds: refund
  review: review
  source: +account +bank_account +card +source
  source_transfer: transfer
  transfer: transfer
  transfer_data.destination: account
checkout.session = checkout/sessions
  + branding_settings name_collection optional_items phone_number_collection presentment_details tax_id_collection
  automatic_tax.liability.account: account
  customer: customer
  discounts.coupon: coupon
  discounts.promotion_code: promotion_code
  invoice: invoice
  invoice_creation.invoice_data.account_tax_ids: tax_id
  invoice_creation.invoice_data.issuer.account: account
  line_items: item
  payment_intent: payment_intent
  payment_link: payment_link
  setup_intent: setup_intent
  shipping_cost.shipping_rate: shipping_rate
  shipping_cost.taxes.rate: +tax_rate
  shipping_options.shipping_rate: shipping_rate
  subscription: subscription
  total_details.breakdown.discounts.discount: +discount
  total_details.breakdown.taxes.rate: +tax_rate
climate.order = climate/orders
  + beneficiary
  delivery_details.supplier: +climate.supplier
  product: climate.product
climate.product = climate/products
  suppliers: +climate.supplier
climate.supplier = climate/suppliers
confirmation_token = confirmation_tokens
  + mandate_data
  payment_method_preview.card.generated_from.setup_attempt: setup_attempt
  payment_method_preview.customer: customer
  payment_method_preview.sepa_debit.generated_from.charge: charge
  payment_method_preview.sepa_debit.generated_from.setup_attempt: setup_attempt
connect_collection_transfer =
  destination: account
country_spec = country_specs
coupon = coupons
  + applies_to currency_options
credit_note = credit_notes
  customer: customer
  customer_balance_transaction: customer_balance_transaction
  discount_amounts.discount: discount
  invoice: invoice
  lines: +credit_note_line_item
  pretax_credit_amounts.credit_balance_transaction: billing.credit_balance_transaction
  pretax_credit_amounts.discount: discount
  refunds.refund: refund
  shipping_cost.shipping_rate: shipping_rate
  shipping_cost.taxes.rate: +tax_rate
credit_note_line_item = credit_notes
  discount_amounts.discount: discount
  pretax_credit_amounts.credit_balance_transaction: billing.credit_balance_transaction
  pretax_credit_amounts.discount: discount
  tax_rates: +tax_rate
customer = customers
  + address invoice_credit_balance tax
  cash_balance: cash_balance
  default_source: account bank_account@customers card@customers source
  discount: discount
  invoice_settings.default_payment_method: payment_method
  sources: account bank_account@customers card@customers source
  subscriptions: subscription
  tax_ids: tax_id
  test_clock: test_helpers.test_clock
customer_balance_transaction = customers
  checkout_session: checkout.session
  credit_note: credit_note
  customer: customer
  invoice: invoice
customer_cash_balance_transaction = customers
  + adjusted_for_overdraft applied_to_payment funded refunded_from_payment transferred_to_balance unapplied_from_payment
  adjusted_for_overdraft.balance_transaction: balance_transaction
  adjusted_for_overdraft.linked_transaction: customer_cash_balance_transaction
  applied_to_payment.payment_intent: payment_intent
  customer: customer
  refunded_from_payment.refund: refund
  transferred_to_balance.balance_transaction: balance_transaction
  unapplied_from_payment.payment_intent: payment_intent
customer_session =
  + components
  customer: customer
discount =
  coupon: +coupon
  customer: customer
  promotion_code: promotion_code
  source.coupon: coupon
dispute = disputes
  + payment_method_details
  balance_transactions: +balance_transaction
  charge: charge
  evidence.cancellation_policy: file
  evidence.customer_communication: file
  evidence.customer_signature: file
  evidence.duplicate_charge_documentation: file
  evidence.receipt: file
  evidence.refund_policy: file
  evidence.service_documentation: file
  evidence.shipping_documentation: file
  evidence.uncategorized_file: file
  payment_intent: payment_intent
entitlements.active_entitlement = entitlements/active_entitlements
  feature: entitlements.feature
entitlements.feature = entitlements/features
ephemeral_key =
event = events
exchange_rate = exchange_rates
fee_refund = application_fees
  balance_transaction: balance_transaction
  fee: application_fee
file = files
  links: file_link
file_link = file_links
  file: file
financial_connections.account = financial_connections/accounts
  + status_details
  account_holder.account: financial_connections.account
  account_holder.customer: customer
  ownership: financial_connections.account_ownership
financial_connections.account_owner =
financial_connections.account_ownership =
  owners: +financial_connections.account_owner
financial_connections.session = financial_connections/sessions
  + filters limits manual_entry
  account_holder.account: financial_connections.account
  account_holder.customer: customer
  accounts: +financial_connections.account
  bank_account_token: token
financial_connections.transaction = financial_connections/transactions
forwarding.request = forwarding/requests
  + metadata
funding_instructions =
identity.verification_report = identity/verification_reports
  + document email id_number options phone selfie
identity.verification_session = identity/verification_sessions
  + provided_details related_person
  last_verification_report: identity.verification_report
invoice = invoices
  + confirmation_secret customer_tax_ids status_details threshold_reason
  account_tax_ids: tax_id
  application: application
  automatic_tax.liability.account: account
  charge: charge
  customer: customer
  default_payment_method: payment_method
  default_source: account bank_account@customers card@customers source
  default_tax_rates: +tax_rate
  discounts: discount
  from_invoice.invoice: invoice
  issuer.account: account
  last_finalization_error.payment_intent: payment_intent
  last_finalization_error.payment_method: payment_method
  last_finalization_error.setup_intent: setup_intent
  last_finalization_error.source: account bank_account card source
  latest_revision: invoice
  lines: +line_item
  on_behalf_of: account
  parent.subscription_details.subscription: subscription
  payment_intent: payment_intent
  payments: invoice_payment
  shipping_cost.shipping_rate: shipping_rate
  shipping_cost.taxes.rate: +tax_rate
  subscription: subscription
  test_clock: test_helpers.test_clock
  total_discount_amounts.discount: discount
  total_pretax_credit_amounts.credit_balance_transaction: billing.credit_balance_transaction
  total_pretax_credit_amounts.discount: discount
invoice_payment = invoice_payments
  invoice: invoice
  payment.charge: charge
  payment.payment_intent: payment_intent
  payment.payment_record: payment_record
invoice_rendering_template = invoice_rendering_templates
invoiceitem = invoiceitems
  + invoicing_rules proration_details
  customer: customer
  discounts: discount
  invoice: invoice
  price: +price
  pricing.price_details.price: price
  proration_details.discount_amounts.discount: discount
  tax_rates: +tax_rate
  test_clock: test_helpers.test_clock
issuing.authorization = issuing/authorizations
  + fraud_challenges treasury
  balance_transactions: +balance_transaction
  card: +issuing.card
  cardholder: issuing.cardholder
  token: issuing.token
  transactions: +issuing.transaction
issuing.card = issuing/cards
  cardholder: +issuing.cardholder
  personalization_design: issuing.personalization_design
  replaced_by: issuing.card
  replacement_for: issuing.card
issuing.cardholder = issuing/cardholders
  individual.verification.document.back: file
  individual.verification.document.front: file
issuing.dispute = issuing/disputes
  + treasury
  balance_transactions: balance_transaction
  evidence.canceled.additional_documentation: file
  evidence.duplicate.additional_documentation: file
  evidence.duplicate.card_statement: file
  evidence.duplicate.cash_receipt: file
  evidence.duplicate.check_image: file
  evidence.fraudulent.additional_documentation: file
  evidence.merchandise_not_as_described.additional_documentation: file
  evidence.no_valid_authorization.additional_documentation: file
  evidence.not_received.additional_documentation: file
  evidence.other.additional_documentation: file
  evidence.service_not_as_described.additional_documentation: file
  transaction: issuing.transaction
issuing.personalization_design = issuing/personalization_designs
  card_logo: file
  physical_bundle: issuing.physical_bundle
issuing.physical_bundle = issuing/physical_bundles
issuing.token = issuing/tokens
  card: issuing.card
issuing.transaction = issuing/transactions
  + purchase_details treasury
  authorization: issuing.authorization
  balance_transaction: balance_transaction
  card: issuing.card
  cardholder: issuing.cardholder
  dispute: issuing.dispute
  token: issuing.token
item =
  + discounts taxes
  discounts.discount: +discount
  price: +price
  taxes.rate: +tax_rate
line_item =
  discount_amounts.discount: discount
  discounts: discount
  pretax_credit_amounts.credit_balance_transaction: billing.credit_balance_transaction
  pretax_credit_amounts.discount: discount
  price: +price
  pricing.price_details.price: price
  subscription: subscription
login_link =
mandate = mandates
  + multi_use single_use
  payment_method: payment_method
payment_attempt_record = payment_attempt_records
  payment_method_details.bancontact.generated_sepa_debit: payment_method
  payment_method_details.bancontact.generated_sepa_debit_mandate: mandate
  payment_method_details.ideal.generated_sepa_debit: payment_method
  payment_method_details.ideal.generated_sepa_debit_mandate: mandate
  payment_method_details.sofort.generated_sepa_debit: payment_method
  payment_method_details.sofort.generated_sepa_debit_mandate: mandate
  payment_method_details.us_bank_account.mandate: mandate
payment_intent = payment_intents
  + amount_details hooks payment_details presentment_details transfer_data
  amount_details.line_items: payment_intent_amount_details_line_item
  application: application
  charges: +charge
  customer: customer
  invoice: invoice
  last_payment_error.payment_intent: payment_intent
  last_payment_error.payment_method: payment_method
  last_payment_error.setup_intent: setup_intent
  last_payment_error.source: account bank_account card source
  latest_charge: charge
  on_behalf_of: account
  payment_method: payment_method
  payment_record: payment_record
  review: review
  source: account bank_account card source
  transfer_data.destination: account
payment_intent_amount_details_line_item =
payment_link = payment_links
  + name_collection optional_items
  application: application
  automatic_tax.liability.account: account
  invoice_creation.invoice_data.account_tax_ids: tax_id
  invoice_creation.invoice_data.issuer.account: account
  line_items: item
  on_behalf_of: account
  shipping_options.shipping_rate: shipping_rate
  subscription_data.invoice_settings.account_tax_ids: tax_id
  subscription_data.invoice_settings.issuer.account: account
  transfer_data.destination: account
payment_method = payment_methods
  + acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie bizum blik boleto card card_present cashapp crypto custom customer_balance eps fpx giropay grabpay ideal interac_present kakao_pay klarna konbini kr_card link mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix promptpay radar_options revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint upi us_bank_account wechat_pay zip
  card.generated_from.setup_attempt: setup_attempt
  customer: customer
  sepa_debit.generated_from.charge: charge
  sepa_debit.generated_from.setup_attempt: setup_attempt
payment_method_configuration = payment_method_configurations
  + acss_debit affirm afterpay_clearpay alipay alma amazon_pay apple_pay au_becs_debit bacs_debit bancontact billie bizum blik boleto card cartes_bancaires cashapp crypto customer_balance eps fpx giropay google_pay grabpay ideal jcb kakao_pay klarna konbini kr_card link mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix promptpay revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint upi us_bank_account wechat_pay zip
payment_method_domain = payment_method_domains
payment_record = payment_records
  payment_method_details.bancontact.generated_sepa_debit: payment_method
  payment_method_details.bancontact.generated_sepa_debit_mandate: mandate
  payment_method_details.ideal.generated_sepa_debit: payment_method
  payment_method_details.ideal.generated_sepa_debit_mandate: mandate
  payment_method_details.sofort.generated_sepa_debit: payment_method
  payment_method_details.sofort.generated_sepa_debit_mandate: mandate
  payment_method_details.us_bank_account.mandate: mandate
payout = payouts
  application_fee: application_fee
  balance_transaction: balance_transaction
  destination: bank_account@accounts card@accounts
  failure_balance_transaction: balance_transaction
  original_payout: payout
  reversed_by: payout
person = accounts
  + additional_tos_acceptances address address_kana address_kanji dob future_requirements metadata registered_address relationship requirements us_cfpb_data verification
  verification.additional_document.back: file
  verification.additional_document.front: file
  verification.document.back: file
  verification.document.front: file
plan = plans
  + tiers
  product: product
price = prices
  + currency_options tiers
  product: product
product = products
  default_price: price
  tax_code: tax_code
product_catalog.trial_offer = product_catalog/trial_offers
  end_behavior.transition.price: price
  price: price
product_feature = products
  entitlement_feature: +entitlements.feature
promotion_code = promotion_codes
  + restrictions.currency_options
  coupon: +coupon
  customer: customer
  promotion.coupon: coupon
quote = quotes
  application: application
  automatic_tax.liability.account: account
  computed.recurring.total_details.breakdown.discounts.discount: +discount
  computed.recurring.total_details.breakdown.taxes.rate: +tax_rate
  computed.upfront.line_items: item
  computed.upfront.total_details.breakdown.discounts.discount: +discount
  computed.upfront.total_details.breakdown.taxes.rate: +tax_rate
  customer: customer
  default_tax_rates: tax_rate
  discounts: discount
  from_quote.quote: quote
  invoice: invoice
  invoice_settings.issuer.account: account
  line_items: item
  on_behalf_of: account
  subscription: subscription
  subscription_schedule: subscription_schedule
  test_clock: test_helpers.test_clock
  total_details.breakdown.discounts.discount: +discount
  total_details.breakdown.taxes.rate: +tax_rate
  transfer_data.destination: account
radar.early_fraud_warning = radar/early_fraud_warnings
  charge: charge
  payment_intent: payment_intent
radar.payment_evaluation =
  + client_device_metadata_details customer_details events outcome payment_details
  payment_details.payment_method_details.payment_method: payment_method
radar.value_list = radar/value_lists
  list_items: +radar.value_list_item
radar.value_list_item = radar/value_list_items
refund = refunds
  + destination_details next_action presentment_details
  balance_transaction: balance_transaction
  charge: charge
  customer: customer
  failure_balance_transaction: balance_transaction
  payment_intent: payment_intent
  payment_method: payment_method
  source_transfer_reversal: transfer_reversal
  transfer_reversal: transfer_reversal
reporting.report_run = reporting/report_runs
  result: +file
reporting.report_type = reporting/report_types
reserve_transaction =
review = reviews
  charge: charge
  payment_intent: payment_intent
scheduled_query_run = sigma/scheduled_query_runs
  + error
  file: +file
setup_attempt = setup_attempts
  application: application
  customer: customer
  on_behalf_of: account
  payment_method: payment_method
  payment_method_details.bancontact.generated_sepa_debit: payment_method
  payment_method_details.bancontact.generated_sepa_debit_mandate: mandate
  payment_method_details.card_present.generated_card: payment_method
  payment_method_details.ideal.generated_sepa_debit: payment_method
  payment_method_details.ideal.generated_sepa_debit_mandate: mandate
  payment_method_details.sofort.generated_sepa_debit: payment_method
  payment_method_details.sofort.generated_sepa_debit_mandate: mandate
  setup_error.payment_intent: payment_intent
  setup_error.payment_method: payment_method
  setup_error.setup_intent: setup_intent
  setup_error.source: account bank_account card source
  setup_intent: setup_intent
setup_intent = setup_intents
  + managed_payments
  application: application
  customer: customer
  last_setup_error.payment_intent: payment_intent
  last_setup_error.payment_method: payment_method
  last_setup_error.setup_intent: setup_intent
  last_setup_error.source: account bank_account card source
  latest_attempt: setup_attempt
  mandate: mandate
  on_behalf_of: account
  payment_method: payment_method
  single_use_mandate: mandate
shipping_rate = shipping_rates
  + fixed_amount fixed_amount.currency_options
  tax_code: tax_code
source = sources
  + ach_credit_transfer ach_debit acss_debit alipay au_becs_debit bancontact card card_present code_verification eps giropay ideal klarna multibanco p24 receiver redirect sepa_credit_transfer sepa_debit sofort source_order three_d_secure wechat
source_transaction =
  + ach_credit_transfer chf_credit_transfer gbp_credit_transfer paper_check sepa_credit_transfer
subscription = subscriptions
  + presentment_details status_details
  application: application
  automatic_tax.liability.account: account
  billing_schedules.applies_to.price: price
  cancellation_details.feedback_option: billing.feedback_option
  customer: customer
  default_payment_method: payment_method
  default_source: account bank_account@customers card@customers source
  default_tax_rates: tax_rate
  discounts: discount
  invoice_settings.account_tax_ids: tax_id
  invoice_settings.issuer.account: account
  items: +subscription_item
  latest_invoice: invoice
  on_behalf_of: account
  pending_setup_intent: setup_intent
  pending_update.discount: +discount
  pending_update.discounts: discount
  pending_update.subscription_items: +subscription_item
  schedule: subscription_schedule
  test_clock: test_helpers.test_clock
  transfer_data.destination: account
subscription_item = subscription_items
  discounts: discount
  plan: +plan
  price: +price
  tax_rates: +tax_rate
subscription_schedule = subscription_schedules
  application: application
  customer: customer
  default_settings.automatic_tax.liability.account: account
  default_settings.default_payment_method: payment_method
  default_settings.invoice_settings.account_tax_ids: tax_id
  default_settings.invoice_settings.issuer.account: account
  default_settings.on_behalf_of: account
  default_settings.transfer_data.destination: account
  phases.add_invoice_items.discounts.coupon: coupon
  phases.add_invoice_items.discounts.discount: discount
  phases.add_invoice_items.discounts.promotion_code: promotion_code
  phases.add_invoice_items.price: price
  phases.add_invoice_items.tax_rates: tax_rate
  phases.automatic_tax.liability.account: account
  phases.default_payment_method: payment_method
  phases.default_tax_rates: tax_rate
  phases.discounts.coupon: coupon
  phases.discounts.discount: discount
  phases.discounts.promotion_code: promotion_code
  phases.invoice_settings.account_tax_ids: tax_id
  phases.invoice_settings.issuer.account: account
  phases.items.discounts.coupon: coupon
  phases.items.discounts.discount: discount
  phases.items.discounts.promotion_code: promotion_code
  phases.items.plan: plan
  phases.items.price: price
  phases.items.tax_rates: tax_rate
  phases.on_behalf_of: account
  phases.transfer_data.destination: account
  subscription: subscription
  test_clock: test_helpers.test_clock
tax.association =
tax.calculation = tax/calculations
  line_items: tax.calculation_line_item
tax.calculation_line_item =
  + tax_breakdown
tax.location = tax/locations
tax.registration = tax/registrations
tax.settings = tax/settings
tax.transaction = tax/transactions
  line_items: tax.transaction_line_item
tax.transaction_line_item =
tax_code = tax_codes
tax_deducted_at_source =
tax_id = tax_ids
  customer: customer
  owner.account: account
  owner.application: application
  owner.customer: customer
tax_rate = tax_rates
terminal.configuration = terminal/configurations
  + bbpos_wisepad3 bbpos_wisepos_e cellular offline reader_security reboot_window stripe_s700 stripe_s710 stripe_t600 tipping verifone_m425 verifone_p400 verifone_p630 verifone_ux700 verifone_v660p wifi
  bbpos_wisepad3.splashscreen: file
  bbpos_wisepos_e.splashscreen: file
  stripe_s700.splashscreen: file
  stripe_s710.splashscreen: file
  stripe_t600.splashscreen: file
  verifone_m425.splashscreen: file
  verifone_p400.splashscreen: file
  verifone_p630.splashscreen: file
  verifone_ux700.splashscreen: file
  verifone_v660p.splashscreen: file
terminal.connection_token =
terminal.location = terminal/locations
  + address_kana address_kanji
terminal.onboarding_link =
terminal.reader = terminal/readers
  action.api_error.payment_intent: payment_intent
  action.api_error.payment_method: payment_method
  action.api_error.setup_intent: setup_intent
  action.api_error.source: account bank_account card source
  action.collect_payment_method.payment_intent: payment_intent
  action.collect_payment_method.payment_method: payment_method
  action.confirm_payment_intent.payment_intent: payment_intent
  action.process_payment_intent.payment_intent: payment_intent
  action.process_setup_intent.setup_intent: setup_intent
  action.refund_payment.charge: charge
  action.refund_payment.payment_intent: payment_intent
  action.refund_payment.refund: refund
  location: terminal.location
test_helpers.test_clock = test_helpers/test_clocks
three_d_secure.authentication = three_d_secure/authentications
  + acquirer_details flow_preference future_usage outcome_details shipping_address
  payment_method: payment_method
token = tokens
  bank_account: bank_account
  card: card
topup = topups
  + payment_method_options
  balance_transaction: balance_transaction
  payment_method: payment_method
  source: +source
transfer = transfers
  balance_transaction: balance_transaction
  destination: account
  destination_payment: charge
  reversals: +transfer_reversal
  source_transaction: charge
transfer_reversal = transfers
  balance_transaction: balance_transaction
  destination_payment_refund: refund
  source_refund: refund
  transfer: transfer
treasury.credit_reversal = treasury/credit_reversals
  transaction: treasury.transaction
treasury.debit_reversal = treasury/debit_reversals
  transaction: treasury.transaction
treasury.financial_account = treasury/financial_accounts
  + platform_restrictions
  features: treasury.financial_account_features
treasury.financial_account_features =
  + card_issuing deposit_insurance financial_addresses inbound_transfers intra_stripe_flows outbound_payments outbound_transfers
treasury.inbound_transfer = treasury/inbound_transfers
  origin_payment_method_details.us_bank_account.mandate: mandate
  transaction: treasury.transaction
treasury.outbound_payment = treasury/outbound_payments
  destination_payment_method_details.us_bank_account.mandate: mandate
  returned_details.transaction: treasury.transaction
  transaction: treasury.transaction
treasury.outbound_transfer = treasury/outbound_transfers
  destination_payment_method_details.us_bank_account.mandate: mandate
  returned_details.transaction: treasury.transaction
  transaction: treasury.transaction
treasury.received_credit = treasury/received_credits
  linked_flows.source_flow_details.credit_reversal: treasury.credit_reversal
  linked_flows.source_flow_details.outbound_payment: treasury.outbound_payment
  linked_flows.source_flow_details.outbound_transfer: treasury.outbound_transfer
  linked_flows.source_flow_details.payout: payout
  transaction: treasury.transaction
treasury.received_debit = treasury/received_debits
  + initiating_payment_method_details
  transaction: treasury.transaction
treasury.transaction = treasury/transactions
  + flow_details
  entries: treasury.transaction_entry
  flow_details.credit_reversal: treasury.credit_reversal
  flow_details.debit_reversal: treasury.debit_reversal
  flow_details.inbound_transfer: treasury.inbound_transfer
  flow_details.issuing_authorization: issuing.authorization
  flow_details.outbound_payment: treasury.outbound_payment
  flow_details.outbound_transfer: treasury.outbound_transfer
  flow_details.received_credit: treasury.received_credit
  flow_details.received_debit: treasury.received_debit
treasury.transaction_entry = treasury/transaction_entries
  + flow_details
  flow_details.credit_reversal: treasury.credit_reversal
  flow_details.debit_reversal: treasury.debit_reversal
  flow_details.inbound_transfer: treasury.inbound_transfer
  flow_details.issuing_authorization: issuing.authorization
  flow_details.outbound_payment: treasury.outbound_payment
  flow_details.outbound_transfer: treasury.outbound_transfer
  flow_details.received_credit: treasury.received_credit
  flow_details.received_debit: treasury.received_debit
  transaction: treasury.transaction
webhook_endpoint = webhook_endpoints
`;
