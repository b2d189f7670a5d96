"""Request bodies as the contract documents them, with people who do not exist.

Every made-up value that would be personal data or a secret is remembered, so that the last test can look for all of them
in all logs. Names are built from syllables that no watchlist entry resembles.
"""

import copy
import itertools
import random
import re
import threading
import uuid
from collections.abc import Callable

_random = random.Random()
_lock = threading.Lock()

# Everything sent in this run that must not be in any log.
PRIVATE: set[str] = set()
# What must not be in any table either: the destinations, accounts and codes of eKYC.
SEALED: set[str] = set()

# The first group of an id, which may happen to be a number of eight digits.
ID_HEAD = re.compile(r"(?<![^\W_])[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![^\W_]))")

_HEADS = ["Quor", "Zeph", "Blix", "Wumb", "Thraz", "Plov", "Skund", "Fyrn", "Glim", "Vext"]
_MIDDLES = ["ando", "eppi", "ullo", "ovvi", "iggle", "abbo", "unki"]
_TAILS = ["wick", "thorpe", "bottle", "quist", "zle", "ford", "nax", "plume"]
# Of letters with which no syllable above begins.
_APART = ["ja", "ce", "ji", "co", "ju"]
_strangers = itertools.count(1)


def private(value: str) -> str:
    """Remembers a value that must never be logged."""
    with _lock:
        PRIVATE.add(value)
    return value


def sealed(value: str) -> str:
    """Remembers a value that must be neither logged nor stored in clear."""
    with _lock:
        SEALED.add(value)
    return private(value)


def word() -> str:
    return private(_random.choice(_HEADS) + _random.choice(_MIDDLES) + _random.choice(_TAILS))


def strangers_name() -> tuple[str, str]:
    """First and last name of somebody who is listed and no customer. Of two people made of `word`, one in five thousand
    is a hit for the other; of this one, none is."""
    number, last = next(_strangers), ""
    for _ in range(3):
        number, syllable = divmod(number, len(_APART))
        last = _APART[syllable] + last
    return private("Jaccoji"), private(last.capitalize())


def unused(make: Callable[[], str]) -> str:
    """A value that nobody of this run has yet: what was sent or paid is counted by it, and there are few enough of some
    for two to be the same now and then."""
    while (made := make()) in SEALED:
        pass
    return made


def digits(count: int, first: str = "123456789") -> str:
    return _random.choice(first) + "".join(_random.choice("0123456789") for _ in range(count - 1))


def social_security_number() -> str:
    """A number that can have been given out: one that cannot is turned away by its customer's first review, and a person
    whom the review turned away is not reviewed again."""
    area = _random.choice([area for area in range(100, 900) if area != 666])
    return private(f"{area}{_random.randint(1, 99):02}{_random.randint(1, 9999):04}")


def employer_number() -> str:
    """An EIN of a campus that exists, for the same reason."""
    return private(f"{_random.choice(['20', '27', '46', '52', '83', '95'])}{digits(7)}")


def phone_number() -> str:
    return private(f"{digits(3, '23456789')}{digits(3, '23456789')}{digits(4)}")


def email_address() -> str:
    return private(f"{word().lower()}.{word().lower()}@example.com")


def uk_mobile() -> str:
    """A British mobile number as people write it; a search for any of its forms must find nothing."""
    national = unused(lambda: f"7400{digits(6, '0123456789')}")
    sealed(national)
    sealed(f"44{national}")
    return sealed(f"0{national}")


def uk_landline() -> str:
    national = f"1614960{digits(3, '0123456789')}"
    sealed(national)
    sealed(f"44{national}")
    return sealed(f"0{national}")


def international(number: str) -> str:
    """A national British number in E.164."""
    return f"+44{number.removeprefix('0')}"


def bank_account(ending: str = "00", *, passes: bool = True) -> str:
    """An account number that passes, or fails, the modulus check of the sample table for SORT_CODE, with these last two
    digits: by them the stand-in for a bank knows how to behave."""
    while True:
        number = unused(lambda: digits(6) + ending)
        remainder = sum(int(digit) * weight for digit, weight in zip(number, range(9, 1, -1))) % 11
        if (remainder == 0) == passes:
            return sealed(number)


# 00-01-xx is checked by the plain modulus 11 in the sample table that the product ships.
SORT_CODE = "000100"


def particulars(customer_id: str, changes: dict | None = None) -> dict:
    """What an application or account says of its person."""
    return merged({
        "customerId": customer_id,
        "name": {"title": "Dr", "givenName": word(), "familyName": word()},
        "contact": {"mobileNumber": uk_mobile(), "homeNumber": uk_landline(), "email": sealed(email_address())},
        "address": {"houseNumber": "7", "street": f"{word()} Lane", "townOrCity": "London", "postcode": "N1C 4DA"},
    }, changes or {})


def account_number() -> str:
    return sealed(f"000391500000{digits(7)}")


def unknown_id() -> str:
    return str(uuid.uuid4())


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes` laid over it, objects merged; a value of `...` takes the field away."""
    result = copy.deepcopy(base)
    for name, value in changes.items():
        if value is ...:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result


def person(partner_id: str, changes: dict | None = None) -> dict:
    """The tutorial's onboarding request with other facts."""
    return merged({
        "partnerId": partner_id,
        "name": {"firstName": word(), "lastName": word()},
        "classification": "Personal",
        "profile": {
            "regO": False,
            "politicallyExposedPerson": False,
            "taxIdType": "Ssn",
            "taxId": social_security_number(),
            "birthDate": f"19{digits(2, '5678')}-0{digits(1)}-1{digits(1)}",
            "riskRating": "Low",
        },
    }, changes or {})


def named(partner_id: str, first: str, last: str, birth_date: str | None = None, changes: dict | None = None) -> dict:
    """A person of exactly this name."""
    profile = {"birthDate": birth_date if birth_date else ...}
    return merged(person(partner_id), merged({"name": {"firstName": first, "lastName": last}, "profile": profile}, changes or {}))


def company(partner_id: str, changes: dict | None = None) -> dict:
    """The contract's Business example with other facts."""
    return merged({
        "partnerId": partner_id,
        "classification": "Business",
        "name": {"entityName": f"{word()} {word()} Works"},
        "profile": {
            "citizenshipCountryCode": "US",
            "enableBackupWithholding": False,
            "backupWithholdingPercent": 0,
            "taxIdType": "Ein",
            "taxId": employer_number(),
            "dateFormed": "2015-06-25",
            "entityType": "Corporation",
            "riskRating": "Low",
            "ownershipType": "LegalEntity",
        },
        "businessDueDiligence": {
            "natureOfBusiness": "Technology",
            "naics": "541512",
            "merchantCategoryCode": "4816",
            "businessUrl": "www.example.com",
            "relationshipFormationDate": "2016-06-27",
        },
    }, changes or {})


def due_diligence() -> dict:
    return {
        "employmentStatus": "Employed",
        "occupation": "Technology",
        "occupationDescription": "Support",
        "industry": "Finance",
        "incomeSource": "Salary",
        "incomeState": "NJ",
        "incomeCountryCode": "US",
        "annualIncome": 90000,
    }


def address(changes: dict | None = None) -> dict:
    return merged({
        "addressType": "Home",
        "classification": "Residential",
        "isPrimary": True,
        "street1": f"{digits(3)} {word()} Lane",
        "city": "Anywhere",
        "state": "NY",
        "postalCode": "12345",
        "countryCode": "US",
    }, changes or {})


def phone(changes: dict | None = None) -> dict:
    return merged({"isPrimary": True, "phoneType": "Mobile", "phoneNumber": phone_number()}, changes or {})


def email(changes: dict | None = None) -> dict:
    return merged({"isPrimary": True, "emailType": "Work", "emailAddress": email_address()}, changes or {})


def identification(changes: dict | None = None) -> dict:
    return merged({
        "isPrimary": True,
        "idNumber": private(f"D{digits(10)}"),
        "idType": "DriversLicense",
        "issuedDate": "2019-02-03",
        "expDate": "2039-02-03",
        "verifiedDate": "2024-05-06",
        "issuingAuthority": "Motor Vehicle Commission",
        "issuingStateOrProvince": "NJ",
        "issuingCountryCode": "US",
    }, changes or {})


def registration(partner_id: str, event_name: str, callback_url: str | None, changes: dict | None = None) -> dict:
    """The tutorial's registration; without a URL a Poll one."""
    kind = {"registrationType": "Push", "callbackUrl": callback_url} if callback_url else {"type": "Poll"}
    return merged({"partnerId": partner_id, "eventName": event_name, **kind}, changes or {})
