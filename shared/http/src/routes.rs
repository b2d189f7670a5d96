//! The route table: the only list of what the API answers.
//!
//! The functions' dispatcher, the infrastructure test (template and table must agree), the OpenAPI document and the
//! authorisation-matrix test all read it, so that a route cannot exist in one of them alone.

use crate::{Contract, Scope};

/// An HTTP method in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Method {
    Delete,
    Get,
    Patch,
    Post,
    Put,
}

impl Method {
    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Delete => "DELETE",
            Method::Get => "GET",
            Method::Patch => "PATCH",
            Method::Post => "POST",
            Method::Put => "PUT",
        }
    }

    /// Whether an `Idempotency-Key` counts on this method; the other contracts ignore it on GET and DELETE.
    pub const fn takes_idempotency_key(self, contract: Contract) -> bool {
        match contract {
            Contract::Straddle => !matches!(self, Method::Get),
            Contract::Cos | Contract::NewDay | Contract::OAuth => {
                matches!(self, Method::Post | Method::Put)
            }
        }
    }
}

/// What a route does. Contact kinds share operations where their logic is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Operation {
    TokenIssue,
    DiscoveryGet,
    KeysGet,
    CustomerCreate,
    CustomerSearch,
    CustomerGet,
    CustomerDeactivate,
    NameUpdate,
    ProfileUpdate,
    DueDiligenceUpdate,
    BusinessDueDiligenceUpdate,
    OfacDecide,
    PepScanDecide,
    AddressAdd,
    AddressList,
    AddressGet,
    AddressUpdate,
    AddressRemove,
    PhoneAdd,
    PhoneList,
    PhoneGet,
    PhoneUpdate,
    PhoneRemove,
    EmailAdd,
    EmailList,
    EmailGet,
    EmailUpdate,
    EmailRemove,
    IdentificationAdd,
    IdentificationList,
    IdentificationGet,
    IdentificationUpdate,
    IdentificationRemove,
    OwnerAdd,
    OwnerList,
    OwnerGet,
    OwnerUpdate,
    OwnerRemove,
    RegistrationCreate,
    RegistrationList,
    RegistrationGet,
    RegistrationUpdate,
    RegistrationRestart,
    RegistrationPing,
    RegistrationRotateSecret,
    RegistrationDelete,
    EventList,
    EventPoll,
    EventGet,
    EventResend,
    EventAcknowledge,
    ApplicationCreate,
    ApplicationGet,
    ApplicationUpdate,
    ApplicationOtpInitiate,
    ApplicationOtpValidate,
    ApplicationOtpResend,
    ApplicationOtpGet,
    ApplicationPennyDropInitiate,
    ApplicationPennyDropValidate,
    ApplicationPennyDropGet,
    AccountCreate,
    AccountGet,
    AccountUpdate,
    AccountOtpInitiate,
    AccountOtpValidate,
    AccountOtpResend,
    AccountOtpGet,
    AccountPennyDropInitiate,
    AccountPennyDropValidate,
    AccountPennyDropGet,
    EkycConfigurationGet,
    EkycConfigurationPut,
    StraddleCreate,
    StraddleList,
    StraddleGet,
    StraddleReplace,
    StraddleErase,
    StraddleUnmask,
    StraddleReviewGet,
    StraddleDecide,
    StraddleRefresh,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: Method,
    /// API Gateway resource path, parameters in braces.
    pub path: &'static str,
    /// The Lambda function that answers.
    pub function: &'static str,
    /// What a token needs; `None` is public.
    pub scope: Option<Scope>,
    /// The contract whose shapes it speaks.
    pub contract: Contract,
    /// What it does.
    pub operation: Operation,
    /// Name of the request body's schema, when it takes one.
    pub request: Option<&'static str>,
    /// Name of the answer's schema, when it has one.
    pub response: Option<&'static str>,
}

/// The route for a method and an API Gateway resource path.
pub fn route(method: &str, path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path && route.method.as_str() == method)
}

macro_rules! routes {
    ($($method:ident $path:literal => $function:literal $operation:ident, $scope:expr, $contract:ident, $request:expr, $response:expr;)*) => {
        /// Every route of the product.
        pub const ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            function: $function,
            scope: $scope,
            contract: Contract::$contract,
            operation: Operation::$operation,
            request: $request,
            response: $response,
        }),*];
    };
}

const PUBLIC: Option<Scope> = None;
const READ: Option<Scope> = Some(Scope::CustomersRead);
const WRITE: Option<Scope> = Some(Scope::CustomersWrite);
const UNMASK: Option<Scope> = Some(Scope::CustomersUnmask);
const REVIEW: Option<Scope> = Some(Scope::ComplianceReview);
const HOOKS_READ: Option<Scope> = Some(Scope::WebhooksRead);
const HOOKS_WRITE: Option<Scope> = Some(Scope::WebhooksWrite);
const EKYC_INITIATE: Option<Scope> = Some(Scope::EkycInitiate);
const EKYC_VALIDATE: Option<Scope> = Some(Scope::EkycValidate);
const EKYC_CONFIG: Option<Scope> = Some(Scope::EkycConfig);

#[rustfmt::skip]
routes! {
    Post   "/connect/token" => "token-issue" TokenIssue, PUBLIC, OAuth, Some("TokenRequest"), Some("TokenResponse");
    Get    "/.well-known/openid-configuration" => "token-keys" DiscoveryGet, PUBLIC, OAuth, None, Some("Discovery");
    Get    "/.well-known/jwks.json" => "token-keys" KeysGet, PUBLIC, OAuth, None, Some("KeySet");

    Post   "/core/v1/cm/customers" => "customer-create" CustomerCreate, WRITE, Cos, Some("CustomerCreate"), Some("Customer");
    Get    "/core/v1/cm/customers" => "customer-search" CustomerSearch, READ, Cos, None, Some("CustomerPage");
    Get    "/core/v1/cm/customers/{customerId}" => "customer-get" CustomerGet, READ, Cos, None, Some("Customer");
    Delete "/core/v1/cm/customers/{customerId}" => "customer-delete" CustomerDeactivate, WRITE, Cos, None, Some("Customer");
    Put    "/core/v1/cm/customers/{customerId}/name" => "customer-update" NameUpdate, WRITE, Cos, Some("Name"), Some("Customer");
    Put    "/core/v1/cm/customers/{customerId}/profile" => "customer-update" ProfileUpdate, WRITE, Cos, Some("Profile"), Some("Customer");
    Put    "/core/v1/cm/customers/{customerId}/due-diligence" => "customer-update" DueDiligenceUpdate, WRITE, Cos, Some("DueDiligence"), Some("Customer");
    Put    "/core/v1/cm/customers/{customerId}/business-due-diligence" => "customer-update" BusinessDueDiligenceUpdate, WRITE, Cos, Some("BusinessDueDiligence"), Some("Customer");
    Post   "/core/v1/cm/customers/{customerId}/ofac-decision" => "customer-review" OfacDecide, REVIEW, Cos, Some("ScanDecision"), Some("Customer");
    Post   "/core/v1/cm/customers/{customerId}/pep-scan-decision" => "customer-review" PepScanDecide, REVIEW, Cos, Some("ScanDecision"), Some("Customer");

    Post   "/core/v1/cm/customers/{customerId}/addresses" => "contact-add" AddressAdd, WRITE, Cos, Some("AddressInput"), Some("Address");
    Get    "/core/v1/cm/customers/{customerId}/addresses" => "contact-list" AddressList, READ, Cos, None, Some("AddressPage");
    Get    "/core/v1/cm/customers/{customerId}/addresses/{addressId}" => "contact-list" AddressGet, READ, Cos, None, Some("Address");
    Put    "/core/v1/cm/customers/{customerId}/addresses/{addressId}" => "contact-update" AddressUpdate, WRITE, Cos, Some("AddressInput"), Some("Address");
    Delete "/core/v1/cm/customers/{customerId}/addresses/{addressId}" => "contact-remove" AddressRemove, WRITE, Cos, None, Some("Address");
    Post   "/core/v1/cm/customers/{customerId}/phones" => "contact-add" PhoneAdd, WRITE, Cos, Some("PhoneInput"), Some("Phone");
    Get    "/core/v1/cm/customers/{customerId}/phones" => "contact-list" PhoneList, READ, Cos, None, Some("PhonePage");
    Get    "/core/v1/cm/customers/{customerId}/phones/{phoneId}" => "contact-list" PhoneGet, READ, Cos, None, Some("Phone");
    Put    "/core/v1/cm/customers/{customerId}/phones/{phoneId}" => "contact-update" PhoneUpdate, WRITE, Cos, Some("PhoneInput"), Some("Phone");
    Delete "/core/v1/cm/customers/{customerId}/phones/{phoneId}" => "contact-remove" PhoneRemove, WRITE, Cos, None, Some("Phone");
    Post   "/core/v1/cm/customers/{customerId}/emails" => "contact-add" EmailAdd, WRITE, Cos, Some("EmailInput"), Some("Email");
    Get    "/core/v1/cm/customers/{customerId}/emails" => "contact-list" EmailList, READ, Cos, None, Some("EmailPage");
    Get    "/core/v1/cm/customers/{customerId}/emails/{emailId}" => "contact-list" EmailGet, READ, Cos, None, Some("Email");
    Put    "/core/v1/cm/customers/{customerId}/emails/{emailId}" => "contact-update" EmailUpdate, WRITE, Cos, Some("EmailInput"), Some("Email");
    Delete "/core/v1/cm/customers/{customerId}/emails/{emailId}" => "contact-remove" EmailRemove, WRITE, Cos, None, Some("Email");
    Post   "/core/v1/cm/customers/{customerId}/identifications" => "contact-add" IdentificationAdd, WRITE, Cos, Some("IdentificationInput"), Some("Identification");
    Get    "/core/v1/cm/customers/{customerId}/identifications" => "contact-list" IdentificationList, READ, Cos, None, Some("IdentificationPage");
    Get    "/core/v1/cm/customers/{customerId}/identifications/{identificationId}" => "contact-list" IdentificationGet, READ, Cos, None, Some("Identification");
    Put    "/core/v1/cm/customers/{customerId}/identifications/{identificationId}" => "contact-update" IdentificationUpdate, WRITE, Cos, Some("IdentificationInput"), Some("Identification");
    Delete "/core/v1/cm/customers/{customerId}/identifications/{identificationId}" => "contact-remove" IdentificationRemove, WRITE, Cos, None, Some("Identification");
    Post   "/core/v1/cm/customers/{customerId}/beneficial-owners" => "contact-add" OwnerAdd, WRITE, Cos, Some("OwnerInput"), Some("Owner");
    Get    "/core/v1/cm/customers/{customerId}/beneficial-owners" => "contact-list" OwnerList, READ, Cos, None, Some("OwnerPage");
    Get    "/core/v1/cm/customers/{customerId}/beneficial-owners/{ownerId}" => "contact-list" OwnerGet, READ, Cos, None, Some("Owner");
    Put    "/core/v1/cm/customers/{customerId}/beneficial-owners/{ownerId}" => "contact-update" OwnerUpdate, WRITE, Cos, Some("OwnerUpdate"), Some("Owner");
    Delete "/core/v1/cm/customers/{customerId}/beneficial-owners/{ownerId}" => "contact-remove" OwnerRemove, WRITE, Cos, None, Some("Owner");

    Post   "/v1/customers" => "customer-create" StraddleCreate, WRITE, Straddle, Some("StraddleCustomerCreate"), Some("StraddleCustomer");
    Get    "/v1/customers" => "customer-search" StraddleList, READ, Straddle, None, Some("StraddleCustomerPage");
    Get    "/v1/customers/{customerId}" => "customer-get" StraddleGet, READ, Straddle, None, Some("StraddleCustomer");
    Put    "/v1/customers/{customerId}" => "customer-update" StraddleReplace, WRITE, Straddle, Some("StraddleCustomerUpdate"), Some("StraddleCustomer");
    Delete "/v1/customers/{customerId}" => "customer-delete" StraddleErase, WRITE, Straddle, None, Some("StraddleCustomer");
    Get    "/v1/customers/{customerId}/unmasked" => "customer-unmask" StraddleUnmask, UNMASK, Straddle, None, Some("StraddleUnmaskedCustomer");
    Get    "/v1/customers/{customerId}/review" => "customer-review" StraddleReviewGet, READ, Straddle, None, Some("StraddleReview");
    Patch  "/v1/customers/{customerId}/review" => "customer-review" StraddleDecide, REVIEW, Straddle, Some("StraddleDecision"), Some("StraddleCustomer");
    Put    "/v1/customers/{customerId}/refresh_review" => "customer-review-refresh" StraddleRefresh, WRITE, Straddle, None, Some("StraddleCustomer");

    Post   "/webhooks/v1/registrations" => "webhook-registrations" RegistrationCreate, HOOKS_WRITE, Cos, Some("RegistrationInput"), Some("Registration");
    Get    "/webhooks/v1/registrations" => "webhook-registrations" RegistrationList, HOOKS_READ, Cos, None, Some("RegistrationPage");
    Get    "/webhooks/v1/registrations/{registrationId}" => "webhook-registrations" RegistrationGet, HOOKS_READ, Cos, None, Some("Registration");
    Put    "/webhooks/v1/registrations/{registrationId}" => "webhook-registrations" RegistrationUpdate, HOOKS_WRITE, Cos, Some("RegistrationInput"), Some("Registration");
    Put    "/webhooks/v1/registrations/{registrationId}/restart" => "webhook-registrations" RegistrationRestart, HOOKS_WRITE, Cos, None, Some("Registration");
    Put    "/webhooks/v1/registrations/{registrationId}/ping" => "webhook-registrations" RegistrationPing, HOOKS_WRITE, Cos, None, Some("WebhookEvent");
    Post   "/webhooks/v1/registrations/{registrationId}/rotate-secret" => "webhook-registrations" RegistrationRotateSecret, HOOKS_WRITE, Cos, Some("SecretRotation"), Some("Registration");
    Delete "/webhooks/v1/registrations/{registrationId}" => "webhook-registrations" RegistrationDelete, HOOKS_WRITE, Cos, None, Some("Registration");
    Get    "/webhooks/v1/events" => "webhook-events" EventList, HOOKS_READ, Cos, None, Some("WebhookEventPage");
    Get    "/webhooks/v1/events/poll" => "webhook-events" EventPoll, HOOKS_READ, Cos, None, Some("WebhookEvent");
    Get    "/webhooks/v1/events/{eventId}" => "webhook-events" EventGet, HOOKS_READ, Cos, None, Some("WebhookEvent");
    Post   "/webhooks/v1/events/{eventId}/resend" => "webhook-events" EventResend, HOOKS_WRITE, Cos, None, Some("WebhookEvent");
    Put    "/webhooks/v1/events/{eventId}/acknowledge" => "webhook-events" EventAcknowledge, HOOKS_WRITE, Cos, None, Some("WebhookEvent");

    Post   "/acquisition/v2/applications" => "ekyc-subjects" ApplicationCreate, WRITE, NewDay, Some("ApplicationInput"), Some("Application");
    Get    "/acquisition/v2/applications/{id}" => "ekyc-subjects" ApplicationGet, READ, NewDay, None, Some("Application");
    Put    "/acquisition/v2/applications/{id}" => "ekyc-subjects" ApplicationUpdate, WRITE, NewDay, Some("SubjectUpdate"), Some("Application");
    Post   "/acquisition/v2/applications/{id}/kycauthentications/otp" => "otp-initiate" ApplicationOtpInitiate, EKYC_INITIATE, NewDay, Some("OtpInitiateRequest"), Some("EkycAnswer");
    Get    "/acquisition/v2/applications/{id}/kycauthentications/otp/{authId}" => "kyc-status" ApplicationOtpGet, EKYC_INITIATE, NewDay, None, Some("EkycAnswer");
    Post   "/acquisition/v2/applications/{id}/kycauthentications/otp/{authId}/validate" => "otp-validate" ApplicationOtpValidate, EKYC_VALIDATE, NewDay, Some("ValidateRequest"), Some("EkycAnswer");
    Post   "/acquisition/v2/applications/{id}/kycauthentications/otp/{authId}/resend" => "otp-resend" ApplicationOtpResend, EKYC_INITIATE, NewDay, None, Some("EkycAnswer");
    Post   "/acquisition/v2/applications/{id}/kycauthentications/pennydrop" => "penny-drop-initiate" ApplicationPennyDropInitiate, EKYC_INITIATE, NewDay, Some("PennyDropInitiateRequest"), Some("EkycAnswer");
    Get    "/acquisition/v2/applications/{id}/kycauthentications/pennydrop/{authId}" => "kyc-status" ApplicationPennyDropGet, EKYC_INITIATE, NewDay, None, Some("EkycAnswer");
    Post   "/acquisition/v2/applications/{id}/kycauthentications/pennydrop/{authId}/validate" => "penny-drop-validate" ApplicationPennyDropValidate, EKYC_VALIDATE, NewDay, Some("ValidateRequest"), Some("EkycAnswer");
    Post   "/acquisition/v2/accounts" => "ekyc-subjects" AccountCreate, WRITE, NewDay, Some("AccountInput"), Some("Account");
    Get    "/acquisition/v2/accounts/{id}" => "ekyc-subjects" AccountGet, READ, NewDay, None, Some("Account");
    Put    "/acquisition/v2/accounts/{id}" => "ekyc-subjects" AccountUpdate, WRITE, NewDay, Some("SubjectUpdate"), Some("Account");
    Post   "/acquisition/v2/accounts/{id}/kycauthentications/otp" => "otp-initiate" AccountOtpInitiate, EKYC_INITIATE, NewDay, Some("OtpInitiateRequest"), Some("EkycAnswer");
    Get    "/acquisition/v2/accounts/{id}/kycauthentications/otp/{authId}" => "kyc-status" AccountOtpGet, EKYC_INITIATE, NewDay, None, Some("EkycAnswer");
    Post   "/acquisition/v2/accounts/{id}/kycauthentications/otp/{authId}/validate" => "otp-validate" AccountOtpValidate, EKYC_VALIDATE, NewDay, Some("ValidateRequest"), Some("EkycAnswer");
    Post   "/acquisition/v2/accounts/{id}/kycauthentications/otp/{authId}/resend" => "otp-resend" AccountOtpResend, EKYC_INITIATE, NewDay, None, Some("EkycAnswer");
    Post   "/acquisition/v2/accounts/{id}/kycauthentications/pennydrop" => "penny-drop-initiate" AccountPennyDropInitiate, EKYC_INITIATE, NewDay, Some("PennyDropInitiateRequest"), Some("EkycAnswer");
    Get    "/acquisition/v2/accounts/{id}/kycauthentications/pennydrop/{authId}" => "kyc-status" AccountPennyDropGet, EKYC_INITIATE, NewDay, None, Some("EkycAnswer");
    Post   "/acquisition/v2/accounts/{id}/kycauthentications/pennydrop/{authId}/validate" => "penny-drop-validate" AccountPennyDropValidate, EKYC_VALIDATE, NewDay, Some("ValidateRequest"), Some("EkycAnswer");
    Get    "/acquisition/v2/configurations/{merchantId}/ekyc/{method}" => "ekyc-configuration" EkycConfigurationGet, EKYC_CONFIG, NewDay, None, Some("EkycConfiguration");
    Put    "/acquisition/v2/configurations/{merchantId}/ekyc/{method}" => "ekyc-configuration" EkycConfigurationPut, EKYC_CONFIG, NewDay, Some("EkycConfiguration"), Some("EkycConfiguration");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_rows_share_a_method_and_path_or_an_operation() {
        let mut addresses = HashSet::new();
        let mut operations = HashSet::new();
        for route in ROUTES {
            assert!(addresses.insert((route.method, route.path)), "{} twice", route.path);
            assert!(operations.insert(route.operation), "{:?} twice", route.operation);
        }
    }

    #[test]
    fn only_the_oauth_routes_are_public() {
        for route in ROUTES {
            assert_eq!(route.scope.is_none(), route.contract == Contract::OAuth, "{}", route.path);
        }
    }

    #[test]
    fn a_route_is_found_by_method_and_resource_path() {
        let found = route("GET", "/core/v1/cm/customers/{customerId}").unwrap();
        assert_eq!(found.operation, Operation::CustomerGet);
        assert!(route("PATCH", "/core/v1/cm/customers/{customerId}").is_none());
        assert!(route("GET", "/core/v1/cm/customers/1").is_none());
    }
}
