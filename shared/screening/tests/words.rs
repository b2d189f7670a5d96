//! What the word tables know, seen from outside: two names that an official would take for one reach the threshold, and two
//! that only look alike do not.

use EntityType::{Organisation, Person, Unknown};
use screening::{Config, EntityType, compare};

fn assert_all(pairs: &[(EntityType, &str, &str)], same: bool) {
    let config = Config::default();
    for &(kind, one, other) in pairs {
        for (query, listed) in [(one, other), (other, one)] {
            let found = compare(kind, query, listed, &config).score;
            assert_eq!(found >= config.threshold, same, "{query} | {listed}: {found:.3}");
        }
    }
}

#[test]
fn short_forms_of_given_names_are_the_name() {
    assert_all(
        &[
            // A particle and a title elsewhere.
            (Person, "Ben Quillmarsh", "Benjamin Quillmarsh"),
            (Person, "Don Quillmarsh", "Donald Quillmarsh"),
            (Person, "Maggie Quillmarsh", "Margaret Quillmarsh"),
            (Person, "Jeff Quillmarsh", "Geoffrey Quillmarsh"),
            (Person, "Tim Quillmarsh", "Timothy Quillmarsh"),
            (Person, "Kathy Quillmarsh", "Catherine Quillmarsh"),
            (Person, "Ken Quillmarsh", "Kenneth Quillmarsh"),
            (Person, "Volodya Kvilmarov", "Vladimir Kvilmarov"),
            (Person, "Серёжа Квилмаров", "Sergei Kvilmarov"),
            (Person, "Nacho Quilmar", "Ignacio Quilmar"),
        ],
        true,
    );
    assert_all(
        &[
            (Person, "Tim Quillmarsh", "Tom Quillmarsh"),
            (Person, "Ken Quillmarsh", "Ben Quillmarsh"),
            (Person, "Vicky Quillmarsh", "Victor Quillmarsh"),
        ],
        false,
    );
}

#[test]
fn traditional_characters_are_the_simplified_ones() {
    assert_all(
        &[
            (Person, "赵立坚", "趙立堅"),
            (Person, "Lijian Zhao", "趙立堅"),
            (Organisation, "深圳華遠貿易有限公司", "深圳华远贸易有限公司"),
        ],
        true,
    );
}

#[test]
fn mandarin_syllables_are_not_slips_in_one_another() {
    assert_all(
        &[
            (Person, "Yan Zhu", "Yun Zhou"),
            (Person, "Juan Zhang", "Jian Zhang"),
            (Person, "Chen Guang", "Cheng Guan"),
            (Person, "倩 李", "Tian Li"),
        ],
        false,
    );
}

#[test]
fn cities_and_their_provinces_are_places_of_their_own() {
    assert_all(
        &[
            (Organisation, "Eskarin Steel Guangzhou", "Eskarin Steel Guangdong"),
            (Organisation, "Hangzhou Eskarin Trading", "Zhejiang Eskarin Trading"),
            (Organisation, "Shanxi Eskarin Coal", "Shaanxi Eskarin Coal"),
            (Organisation, "Hubei Eskarin Steel", "Hunan Eskarin Steel"),
        ],
        false,
    );
    assert_all(&[(Organisation, "Canton Eskarin Steel", "Guangzhou Eskarin Steel")], true);
}

#[test]
fn abbreviations_of_company_words_are_the_word() {
    assert_all(
        &[
            (Organisation, "Eskarin Labs", "Eskarin Laboratories"),
            (Organisation, "Eskarin Imp. & Exp. Co", "Eskarin Import and Export Company"),
            (Organisation, "Eskarin Pharm. Ltd", "Eskarin Pharmaceuticals Limited"),
            (Organisation, "Eskarin Elec. Co", "Eskarin Electric Company"),
            (Organisation, "Eskarin Ins. Co.", "Eskarin Insurance Company"),
            (Organisation, "Eskarin Assoc.", "Eskarin Associates"),
            (Organisation, "Eskarin Shpg Co", "Eskarin Shipping Company"),
            (Organisation, "ESKARIN SRVCES COMP", "Eskarin Services Company"),
        ],
        true,
    );
}

#[test]
fn joining_letters_are_no_initials() {
    assert_all(
        &[
            (Organisation, "Eskar-e-Quilmar", "Eskar-i-Quilmar"),
            (Organisation, "Jaish-e-Mohammed", "Jaish-i-Mohammad"),
            (Organisation, "Quilmar E. LLC", "Quilmar Eskarin LLC"),
        ],
        true,
    );
}

#[test]
fn arabic_and_hebrew_names_meet_their_latin_forms() {
    assert_all(
        &[
            (Person, "דוד כהן", "David Cohen"),
            (Person, "יוסף כהן", "Yosef Cohen"),
            (Person, "שרה לוי", "Sarah Levi"),
            (Person, "علي خامنئي", "Ali Khamenei"),
            (Person, "محمد رضا توکلی", "Mohammad Reza Tavakoli"),
            (Person, "محمدرضا توکلی", "Mohammad Reza Tavakoli"),
            (Person, "Alireza Tavakoli", "Ali Reza Tavakoli"),
            (Person, "یحیی رحیم صفوی", "Yahya Rahim SAFAVI"),
            (Person, "سید خلیل صفوی", "Seyyed Khalil SAFAVI"),
            (Person, "سهيل قريشي", "Suhail Qureshi"),
            (Organisation, "حزب الله", "Hizballah"),
            (Organisation, "Хезболла", "Hizballah"),
            (Organisation, "Hezbollah", "Hizballah"),
        ],
        true,
    );
    assert_all(
        &[
            (Person, "علي خامنئي", "Yelena KHIMINA"),
            (Person, "حسن موسوي", "Hussein Mousavi"),
            (Person, "محمدرضا تهرانی", "Hamidreza TEHRANI"),
            (Person, "سعید جلیلی", "Sayyid Jalili"),
        ],
        false,
    );
}

#[test]
fn initials_in_a_name_of_unknown_type_are_initials() {
    assert_all(
        &[
            (Unknown, "Квилмаров В.В.", "Vladimir Vladimirovich Kvilmarov"),
            (Unknown, "H.S. Quillmarsh", "H. S. Quillmarsh"),
        ],
        true,
    );
}
